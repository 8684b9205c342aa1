import assert from 'node:assert/strict';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { GOODBYE, helloLine, ownHello } from '../../src/ipc/hello.js';
import { lineConnection } from '../../src/ipc/line-connection.js';
import { type Listener, listen } from '../../src/ipc/listen.js';
import { temporaryDirectory } from '../support/directory.js';
import { toyListener } from '../support/link-toys.js';

let directory: string;
let remove: () => Promise<void>;
let path: string;
let listener: Listener;
before(async () => {
  ({ path: directory, remove } = await temporaryDirectory());
  path = join(directory, 'daemon.sock');
  await writeFile(path, 'a stale file');
  listener = await toyListener(path);
});
after(async () => {
  await listener.close();
  await remove();
});

async function everythingFrom(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function firstChunkFrom(socket: Socket): Promise<Record<string, unknown>> {
  const [chunk] = await once(socket, 'data');
  return JSON.parse(String(chunk));
}

test('the socket replaces a stale file and is open to this user alone', async () => {
  const found = await stat(path);
  assert.ok(found.isSocket());
  assert.equal(found.mode & 0o777, 0o600);
});

test('a hello is answered with version and pid', async () => {
  const socket = connect(path);
  socket.write(`${helloLine(ownHello('operations'))}\n`);
  assert.deepEqual(await firstChunkFrom(socket), { offshoot: 1, version: '0.0.0-toy', pid: process.pid });
  socket.destroy();
});

for (const [what, line] of [
  ['is not JSON', 'GET / HTTP/1.1'],
  ['is of another link', '{"offshoot":2,"protocol":"mcp","version":"1","cwd":"/","pid":1}'],
  ['names an unknown protocol', '{"offshoot":1,"protocol":"__proto__","version":"1","cwd":"/","pid":1}'],
  ['misses a member', '{"offshoot":1,"protocol":"mcp","version":"1","pid":1}'],
] as const) {
  test(`a first line that ${what} is refused with a reason`, async () => {
    const socket = connect(path);
    socket.write(`${line}\n`);
    const answer = JSON.parse(await everythingFrom(socket));
    assert.equal(answer.refused.code, 'invalid_arguments');
  });
}

/** A client that is cut off may see a broken pipe or a reset first. */
const cutOff = (socket: Socket) =>
  new Promise<void>((resolve) => {
    socket.on('error', () => {}).once('close', () => resolve());
  });

test('an endless first line is cut off', async () => {
  const socket = connect(path);
  const closed = cutOff(socket);
  socket.write('x'.repeat(200_000));
  await closed;
});

test('a client that says nothing is closed after its time', async () => {
  const silent = await listen({
    path: join(directory, 'silent.sock'),
    version: '0',
    accept: { mcp() {}, operations() {} },
    helloTimeoutMs: 20,
  });
  assert.ok(silent.ok);
  const socket = connect(join(directory, 'silent.sock'));
  assert.equal(await everythingFrom(socket), '');
  await silent.value.close();
});

test('requests sent together with the hello, cut anywhere, are answered', async () => {
  const socket = connect(path);
  const bytes = Buffer.from(
    `${helloLine(ownHello('operations'))}\n{"id":1,"operation":"toy_echo","input":{"text":"ä"}}\r\n`,
  );
  socket.write(bytes.subarray(0, -9));
  socket.once('data', () => socket.write(bytes.subarray(-9)));
  const lines: string[] = [];
  await new Promise<void>((resolve) => {
    const connection = lineConnection(socket);
    const take = (line: object) => {
      lines.push(String((line as { bytes: Buffer }).bytes));
      if (lines.length === 2) resolve();
    };
    connection.listen(take, () => {});
  });
  assert.deepEqual(JSON.parse(lines[1] ?? ''), { id: 1, ok: true, value: { ok: true, text: 'ä' } });
  socket.destroy();
});

test('all lines of a client that leaves at once are heard, and its end after them', async () => {
  const heard: string[] = [];
  const lines = Array.from({ length: 50 }, (_, index) => `line ${index}`);
  let ended = () => {};
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const third = await listen({
    path: join(directory, 'third.sock'),
    version: '0',
    accept: {
      mcp() {},
      operations: (connection) =>
        connection.listen((line) => heard.push('bytes' in line ? String(line.bytes) : 'oversized'), ended),
    },
  });
  assert.ok(third.ok);
  const socket = connect(join(directory, 'third.sock'));
  socket.end([helloLine(ownHello('operations')), ...lines, ''].join('\n'));
  socket.resume();
  await end;
  await third.value.close();
  assert.deepEqual(heard, lines);
});

test('a client that never reads is closed, and others are served meanwhile', async () => {
  const deaf = connect(path);
  deaf.pause();
  deaf.write(`${helloLine(ownHello('operations'))}\n`);
  const text = 'x'.repeat(5_000_000);
  const closed = cutOff(deaf);
  for (let id = 1; id <= 15; id += 1) {
    deaf.write(`${JSON.stringify({ id, operation: 'toy_echo', input: { text } })}\n`);
  }
  const other = connect(path);
  other.write(`${helloLine(ownHello('operations'))}\n`);
  assert.equal((await firstChunkFrom(other)).offshoot, 1);
  other.destroy();
  await closed;
});

test('a listener that closes says goodbye', async () => {
  const second = await toyListener(join(directory, 'second.sock'));
  const socket = connect(join(directory, 'second.sock'));
  socket.write(`${helloLine(ownHello('mcp'))}\n`);
  await firstChunkFrom(socket);
  const rest = everythingFrom(socket);
  await second.close();
  assert.equal(await rest, `${GOODBYE}\n`);
  await assert.rejects(stat(join(directory, 'second.sock')));
});

test('one client more than there may be is turned away, until another one leaves', async () => {
  const path = join(directory, 'full.sock');
  const served: string[] = [];
  const accept = { mcp() {}, operations: () => void served.push('served') };
  const full = await listen({ path, version: '0', accept, maximumConnections: 3 });
  assert.ok(full.ok);
  const visit = async () => {
    const socket = connect(path);
    socket.write(`${helloLine(ownHello('operations'))}\n`);
    return { socket, answer: await firstChunkFrom(socket) };
  };
  const clients = [await visit(), await visit(), await visit()];
  const turnedAway = await visit();
  assert.deepEqual(turnedAway.answer, {
    offshoot: 1,
    refused: { code: 'daemon_unavailable', message: 'Too many clients are connected.' },
  });
  assert.equal(served.length, 3);
  clients[0]?.socket.destroy();
  while (full.value.connections() > 2) await new Promise(setImmediate);
  const next = await visit();
  assert.equal(next.answer.offshoot, 1);
  for (const { socket } of [...clients, turnedAway, next]) socket.destroy();
  await full.value.close();
});
