import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { callOperation } from '../../src/ipc/client.js';
import { connectDaemon, type DaemonConnection } from '../../src/ipc/connect.js';
import { ownHello } from '../../src/ipc/hello.js';
import type { Listener } from '../../src/ipc/listen.js';
import { temporaryDirectory } from '../support/directory.js';
import { toyListener } from '../support/link-toys.js';

let directory: string;
let remove: () => Promise<void>;
let path: string;
let listener: Listener;
let connection: DaemonConnection;
before(async () => {
  ({ path: directory, remove } = await temporaryDirectory());
  path = join(directory, 'daemon.sock');
  listener = await toyListener(path);
});
after(async () => {
  await listener.close();
  await remove();
});
beforeEach(async () => {
  const reached = await connectDaemon({ socket: path, hello: ownHello('operations') });
  assert.ok(reached.ok);
  connection = reached.value;
});
afterEach(() => connection.socket.destroy());

test('an operation answers its value', async () => {
  assert.deepEqual(await callOperation(connection, 'toy_echo', { text: 'hi' }), {
    ok: true,
    value: { ok: true, text: 'hi' },
  });
});

test('many calls on one connection each get their own answer', async () => {
  const texts = Array.from({ length: 3_000 }, (_, index) => `text ${index}`);
  const answers = await Promise.all(texts.map((text) => callOperation(connection, 'toy_echo', { text })));
  assert.deepEqual(
    answers.map((answer) => answer.ok && (answer.value as { text: string }).text),
    texts,
  );
});

test('answers that come in one piece are all there before the loop turns', async () => {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }) as Socket;
  const calls = Array.from({ length: 100 }, () => callOperation({ ...connection, socket }, 'toy_pid', {}));
  let answered = 0;
  for (const call of calls) void call.then(() => (answered += 1));
  socket.push(calls.map((_, index) => `{"id":${index + 1},"ok":true,"value":null}\n`).join(''));
  await once(socket, 'data');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(answered, calls.length);
  socket.destroy();
});

test('a refusal keeps its code, its details and its delay', async () => {
  const refused = await callOperation(connection, 'toy_refuse', {});
  assert.ok(!refused.ok);
  assert.equal(refused.fault.code, 'queue_full');
  assert.equal(refused.fault.retryAfterMs, 5);
  const invalid = await callOperation(connection, 'toy_echo', { text: 1 });
  assert.ok(!invalid.ok && invalid.fault.code === 'invalid_arguments');
  assert.deepEqual(invalid.fault.details, {
    fields: [{ field: 'text', reason: 'It must be a string.' }],
  });
});

test('a call that no line can hold is refused, and the connection stays', async () => {
  const refused = await callOperation(connection, 'toy_echo', { text: 'x'.repeat(11 << 20) });
  assert.equal(!refused.ok && refused.fault.code, 'input_too_large');
  assert.ok((await callOperation(connection, 'toy_pid', {})).ok);
});

test('reports of a call reach its caller', async () => {
  const heard: string[] = [];
  const onReport = (message: string) => heard.push(message);
  await callOperation(connection, 'toy_wait', { milliseconds: 1 }, { onReport });
  assert.deepEqual(heard, ['begun']);
});

test('aborting a call ends its wait', async () => {
  const controller = new AbortController();
  const answer = await callOperation(
    connection,
    'toy_wait',
    { milliseconds: 60_000 },
    { signal: controller.signal, onReport: () => controller.abort() },
  );
  assert.deepEqual(answer, { ok: true, value: { ok: true, ended: 'aborted' } });
});

test('verbs of the daemon are called like operations, and one that throws is told as such', async () => {
  assert.deepEqual(await callOperation(connection, 'daemon.stop', { now: true }), {
    ok: true,
    value: { asked: { now: true } },
  });
  const broken = await callOperation(connection, 'daemon.break', {});
  assert.ok(!broken.ok && broken.fault.code === 'internal_error');
  const unknown = await callOperation(connection, 'toString', {});
  assert.ok(!unknown.ok && unknown.fault.code === 'unknown_tool');
});

test('a lost connection refuses the calls under way and all later ones', async () => {
  const underway = callOperation(
    connection,
    'toy_wait',
    { milliseconds: 60_000 },
    { onReport: () => connection.socket.destroy() },
  );
  for (const call of [underway, underway.then(() => callOperation(connection, 'toy_pid', {}))]) {
    const refused = await call;
    assert.ok(!refused.ok && refused.fault.code === 'answer_lost');
  }
});
