import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { WebSocket } from 'ws';
import type { Viewer } from '../../src/inspect/backlog.js';
import type { Frame, JobRow } from '../../src/inspect/frames.js';
import { statelySocket } from '../../src/inspect/stately-socket.js';

const JOBS_IN_A_FRAME = 50;
const MINUTE_MS = 60_000;
const LONG_DEFINITION = 'x'.repeat(100_000);

const frame = (first: number) =>
  ({
    kind: 'frame',
    at: 0,
    jobs: Array.from({ length: JOBS_IN_A_FRAME }, (_, place) => ({
      row: { id: `job ${first + place}`, state: 'queued', entered: { queued: 0 } } as JobRow,
      steps: [],
    })),
    gone: [],
  }) as unknown as Frame;

it("a receiver of Stately's protocol that reads nothing is cut off, and watches no more", async () => {
  let left = () => {};
  const leaving = new Promise<void>((resolve) => {
    left = resolve;
  });
  const feed = {
    watch(viewer: Viewer) {
      // As much as a receiver takes, which is more than a connection holds.
      const tell = (first: number) =>
        viewer.send(frame(first)) && setImmediate(tell, first + JOBS_IN_A_FRAME);
      setImmediate(tell, 0);
      return { resume: () => {}, close: left };
    },
    close: () => {},
  };
  const stately = statelySocket(feed, LONG_DEFINITION, () => {}, 2);
  const server = createServer().on('upgrade', stately.accept);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/inspect`);
  receiver.on('error', () => {});
  await once(receiver, 'open');
  receiver.pause();
  await leaving;
  receiver.resume();
  // 1006: without a word.
  assert.equal((await once(receiver, 'close'))[0], 1006);
  stately.close();
  await new Promise((resolve) => server.close(resolve));
});

it("a receiver of Stately's protocol keeps the daemon from leaving as idle, for as long as it is there", async (test) => {
  test.mock.timers.enable({ apis: ['setInterval'] });
  let called = 0;
  let left = () => {};
  const leaving = new Promise<void>((resolve) => {
    left = resolve;
  });
  const feed = { watch: () => ({ resume: () => {}, close: left }), close: () => {} };
  const stately = statelySocket(feed, LONG_DEFINITION, () => {
    called += 1;
  });
  const server = createServer().on('upgrade', stately.accept);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/inspect`);
  await once(receiver, 'open');
  test.mock.timers.tick(MINUTE_MS);
  const calls = called;
  assert.ok(calls > 0);
  receiver.close();
  await leaving;
  test.mock.timers.tick(MINUTE_MS);
  assert.equal(called, calls);
  stately.close();
  await new Promise((resolve) => server.close(resolve));
});
