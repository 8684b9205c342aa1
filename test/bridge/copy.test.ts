import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import { copyBetween } from '../../src/bridge/copy.js';
import { succeed } from '../../src/errors.js';
import { remove, temporaryDirectory } from '../support/link-toys.js';

let directory: string;
let daemon: Server;
before(async () => {
  directory = await temporaryDirectory();
  daemon = createServer().listen(join(directory, 'socket'));
  await once(daemon, 'listening');
});
after(async () => {
  daemon.close();
  await remove(directory);
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
