import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { after, afterEach, before, mock, test } from 'node:test';
import { copyBetween } from '../../src/bridge/copy.js';
import { succeed } from '../../src/errors.js';
import { temporaryDirectory } from '../support/directory.js';

let directory: string;
let remove: () => Promise<void>;
let daemon: Server;
before(async () => {
  ({ path: directory, remove } = await temporaryDirectory());
  daemon = createServer().listen(join(directory, 'socket'));
  await once(daemon, 'listening');
});
afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});
after(async () => {
  daemon.close();
  await remove();
});

const line = (message: object) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`;

test('a request that was cancelled while there was no daemon is not sent to the next one', async () => {
  const input = new PassThrough();
  const closed: Promise<unknown>[] = [];
  const copied = copyBetween({
    input,
    output: new PassThrough().resume(),
    connect: async () => {
      const socket = dial(join(directory, 'socket'));
      closed.push(once(socket, 'close'));
      await once(socket, 'connect');
      return succeed({ socket, daemon: { version: '0', pid: 0 } });
    },
    onTrouble: ({ message }) => assert.fail(message),
  });
  const connected = async () => ((await once(daemon, 'connection')) as [Socket])[0];

  const toFirst = connected();
  input.write(line({ id: 1, method: 'tools/call', params: { name: 'codex_delegate', arguments: {} } }));
  const first = await toFirst;
  await once(first, 'data');
  first.destroy();
  await closed[0];

  const toSecond = connected();
  input.write(line({ method: 'notifications/cancelled', params: { requestId: 1 } }));
  input.end(line({ id: 2, method: 'ping' }));
  const second = await toSecond;
  const told: unknown[] = [];
  for await (const each of createInterface(second)) {
    const { id, method } = JSON.parse(each);
    told.push([id, method]);
    if (method === 'ping') second.write(line({ id, result: {} }));
  }
  await copied;
  assert.deepEqual(told, [[2, 'ping']]);
});

test('a daemon that dies again and again is replaced ever later, at last with a request only, and that is said', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  mock.method(Math, 'random', () => 0.5);
  const input = new PassThrough();
  const output = new PassThrough();
  const answered: unknown[] = [];
  output.on('data', (answer) => answered.push(JSON.parse(String(answer)).id));
  const closed: Promise<unknown>[] = [];
  const troubles: string[] = [];
  const copied = copyBetween({
    input,
    output,
    connect: async () => {
      const socket = dial(join(directory, 'socket'));
      // A daemon that dies with lines unread resets the connection.
      socket.on('error', () => {});
      closed.push(new Promise((resolve) => socket.once('close', resolve)));
      await once(socket, 'connect');
      return succeed({ socket, daemon: { version: '0', pid: 0 } });
    },
    onTrouble: ({ message }) => troubles.push(message),
  });
  const connected = async () => ((await once(daemon, 'connection')) as [Socket])[0];
  const dies = async (socket: Socket) => {
    await once(socket, 'data');
    socket.destroy();
    await closed.at(-1);
  };

  const toFirst = connected();
  input.write(line({ id: 1, method: 'initialize' }));
  const first = await toFirst;
  await once(first, 'data');
  first.write(line({ id: 1, result: {} }));
  await once(output, 'data');
  first.destroy();
  await closed[0];
  for (const pause of [1_000, 3_000, 5_000, 9_000, 17_000]) {
    const before = closed.length;
    const toNext = connected();
    mock.timers.tick(pause - 1);
    assert.equal(closed.length, before);
    mock.timers.tick(1);
    assert.equal(closed.length, before + 1);
    await dies(await toNext);
  }
  mock.timers.tick(3_600_000);
  assert.equal(closed.length, 6);
  assert.deepEqual(troubles, ['The daemon died 6 times in a row. The next request starts another.']);

  mock.timers.reset();
  const toLast = connected();
  input.end(line({ id: 2, method: 'ping' }));
  const last = await toLast;
  for await (const each of createInterface(last)) {
    const { id, method } = JSON.parse(each);
    if (method === 'ping') last.write(line({ id, result: {} }));
  }
  await copied;
  assert.deepEqual(answered, [1, 2]);
});
