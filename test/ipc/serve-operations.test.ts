import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { helloLine, ownHello } from '../../src/ipc/hello.js';
import type { Listener } from '../../src/ipc/listen.js';
import { temporaryDirectory } from '../support/directory.js';
import { toyListener } from '../support/link-toys.js';

describe('a client of the operations', () => {
  let directory: string;
  let remove: () => Promise<void>;
  let path: string;
  let listener: Listener;
  before(async () => {
    ({ path: directory, remove } = await temporaryDirectory());
    path = join(directory, 'daemon.sock');
    listener = await toyListener(path);
  });
  after(async () => {
    await listener.close();
    await remove();
  });

  /** What is sent to a client, once its hello was answered, until it has the answer to the request, or is left. */
  async function sentTo(request: object): Promise<Record<string, unknown>[]> {
    const socket = connect(path);
    await once(socket, 'connect');
    socket.write(`${helloLine(ownHello('operations'))}\n${JSON.stringify(request)}\n`);
    const sent: Record<string, unknown>[] = [];
    for await (const line of createInterface({ input: socket })) {
      const message = JSON.parse(line);
      if ('id' in message) sent.push(message);
      if ('ok' in message && 'id' in message) break;
    }
    socket.destroy();
    return sent;
  }

  const request = { id: 7, operation: 'toy_wait', input: { milliseconds: 1 } };
  const answer = { id: 7, ok: true, value: { ok: true, ended: 'in time' } };

  it('that hears no reports is sent none', async () => {
    assert.deepEqual(await sentTo({ ...request, listens: false }), [answer]);
  });

  it('is sent reports where it listens, or does not say', async () => {
    const report = { id: 7, report: 'begun' };
    assert.deepEqual(await sentTo({ ...request, listens: true }), [report, answer]);
    assert.deepEqual(await sentTo(request), [report, answer]);
  });

  it('that says something else of it is refused', async () => {
    const [refusal] = await sentTo({ ...request, listens: 'no' });
    assert.equal(refusal?.id, null);
    assert.equal((refusal?.error as { code: string } | undefined)?.code, 'invalid_arguments');
  });
});
