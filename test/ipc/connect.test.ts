import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { connectDaemon } from '../../src/ipc/connect.js';
import { ownHello } from '../../src/ipc/hello.js';
import { socketPath } from '../../src/ipc/socket-path.js';
import { startDaemon } from '../../src/ipc/start-daemon.js';
import { lastingDirectory } from '../support/directory.js';
import { appears } from '../support/git-gate.js';
import { endDaemon, toyDaemonEntry } from '../support/link-toys.js';

const supportUrl = new URL('../support/connect-once.js', import.meta.url).pathname;
const startDaemonUrl = new URL('../../src/ipc/start-daemon.js', import.meta.url).href;
const directory = lastingDirectory();
let stateDir: string;
let count = 0;
afterEach(() => endDaemon(stateDir));

async function newStateDirectory(): Promise<string> {
  count += 1;
  stateDir = join(directory, `state-${count}`);
  await mkdir(stateDir, { mode: 0o700 });
  return stateDir;
}

/** A client in a process of its own, since a daemon takes its environment from who starts it. */
async function connectOnce(): Promise<number> {
  const client = spawn(process.execPath, [supportUrl], {
    env: { ...process.env, OFFSHOOT_STATE_DIR: stateDir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(client.stdout, 'data');
  return Number(said);
}

const script = async (text: string) => {
  const path = join(stateDir, 'daemon.mjs');
  await writeFile(path, text);
  return path;
};

/** A daemon that writes down that it was started, and never serves. */
const notingScript = () =>
  script(
    `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(join(stateDir, 'starts'))}, 'one'); setTimeout(() => {}, 3_000)`,
  );

const connectWith = (entry: string, patienceMs = 60_000) =>
  connectDaemon({
    socket: socketPath(stateDir),
    hello: ownHello('operations'),
    start: () => startDaemon(stateDir, entry),
    patienceMs,
  });

test('without a daemon and without leave to start one, the client is refused at once', async () => {
  await newStateDirectory();
  const refused = await connectDaemon({ socket: socketPath(stateDir), hello: ownHello('operations') });
  assert.ok(!refused.ok && refused.fault.code === 'daemon_unavailable');
});

test('a process of a job starts no daemon: it would end with the job', async () => {
  await newStateDirectory();
  const ofJob = { client: 'agent', parentJobId: 'a'.repeat(32) };
  const refused = await connectDaemon({
    socket: socketPath(stateDir),
    hello: { ...ownHello('mcp'), origin: ofJob },
    start: () => startDaemon(stateDir, toyDaemonEntry),
  });
  assert.ok(!refused.ok && refused.fault.code === 'daemon_unavailable');
  assert.match(refused.fault.message, /inside a job none is started/);
  assert.deepEqual(await readdir(stateDir), []);
});

test('clients that start a daemon at the same time all meet the same one', async () => {
  await newStateDirectory();
  const pids = await Promise.all(Array.from({ length: 4 }, connectOnce));
  assert.equal(new Set(pids).size, 1);
  assert.ok(Number.isInteger(pids[0]));
});

test('one of many clients starts a daemon, and the others wait for it', async () => {
  await newStateDirectory();
  const entry = await notingScript();
  const all = await Promise.all(Array.from({ length: 10 }, () => connectWith(entry, 1_500)));
  assert.ok(all.every((each) => !each.ok));
  // A loaded machine starts it when it gets round to it.
  await appears(stateDir, 'starts');
  assert.equal(await readFile(join(stateDir, 'starts'), 'utf8'), 'one');
});

test('nor is another started while one is on its way whose starter has died', async () => {
  await newStateDirectory();
  const entry = await notingScript();
  const start = `import { startDaemon } from ${JSON.stringify(startDaemonUrl)}; startDaemon(${JSON.stringify(stateDir)}, ${JSON.stringify(entry)}); process.kill(process.pid, 'SIGKILL')`;
  await once(spawn(process.execPath, ['--input-type=module', '--eval', start]), 'exit');
  assert.ok(!(await connectWith(entry, 500)).ok);
  await appears(stateDir, 'starts');
  assert.equal(await readFile(join(stateDir, 'starts'), 'utf8'), 'one');
});

test('a start is not waited for whose starter died before there was a daemon', async () => {
  await newStateDirectory();
  const dead = spawn('true');
  await once(dead, 'exit');
  await writeFile(join(stateDir, 'daemon.starting'), String(dead.pid));
  assert.ok(Number.isInteger(await connectOnce()));
  assert.equal(existsSync(join(stateDir, 'daemon.starting')), false);
});

test('nor is one whose start is of a time to come, whoever has its number now', async () => {
  await newStateDirectory();
  const file = join(stateDir, 'daemon.starting');
  await writeFile(file, String(process.pid));
  const later = Date.now() / 1_000 + 3_600;
  await utimes(file, later, later);
  assert.ok(Number.isInteger(await connectOnce()));
});

test('a socket that a killed daemon left behind is no hindrance', async () => {
  await newStateDirectory();
  const first = await connectOnce();
  await endDaemon(stateDir);
  const second = await connectOnce();
  assert.notEqual(first, second);
});

test('a daemon that fails to start is told with its last words', async () => {
  await newStateDirectory();
  const refused = await connectWith(
    await script(`console.error('first'); console.error('no such luck'); process.exit(3)`),
  );
  assert.ok(!refused.ok);
  assert.equal(refused.fault.code, 'daemon_unavailable');
  assert.deepEqual(refused.fault.details, { reason: 'no such luck' });
});

test('a daemon that breaks as it is loaded is told with the error', async () => {
  await newStateDirectory();
  const refused = await connectWith(await script(`throw new TypeError('no such luck')`));
  assert.deepEqual(refused.ok || refused.fault.details, { reason: 'TypeError: no such luck' });
});

/** A daemon that is killed as it starts, the first so many times. */
const killedScript = (times: number) =>
  script(
    `import { appendFileSync, readFileSync } from 'node:fs';
    const starts = ${JSON.stringify(join(stateDir, 'starts'))};
    appendFileSync(starts, '1');
    if (readFileSync(starts).length <= ${times}) process.kill(process.pid, 'SIGKILL');
    process.env.OFFSHOOT_STATE_DIR = ${JSON.stringify(stateDir)};
    await import(${JSON.stringify(toyDaemonEntry)});`,
  );

test('a daemon that is killed as it starts is followed by another', async () => {
  await newStateDirectory();
  const reached = await connectWith(await killedScript(3));
  assert.ok(reached.ok);
  reached.value.socket.destroy();
});

test('one that is killed again and again is told', async () => {
  await newStateDirectory();
  const refused = await connectWith(await killedScript(1_000));
  assert.deepEqual(refused.ok || refused.fault.details, { reason: 'ended with SIGKILL', signal: 'SIGKILL' });
  assert.equal(await readFile(join(stateDir, 'starts'), 'utf8'), '1111');
});

test('a daemon that never answers is given up after the time for it', async () => {
  await newStateDirectory();
  const entry = await script(`setTimeout(() => {}, 1_000)`);
  const refused = await connectWith(entry, 200);
  assert.ok(!refused.ok && refused.fault.code === 'daemon_unavailable');
});

test('a state directory that cannot be made is a clear error', async () => {
  await newStateDirectory();
  await writeFile(join(stateDir, 'file'), '');
  const impossible = join(stateDir, 'file', 'below');
  const refused = startDaemon(impossible, toyDaemonEntry);
  assert.ok(!refused.ok);
  assert.equal(refused.fault.details?.reason, 'ENOTDIR');
  assert.ok(refused.fault.message.includes(`written: ${impossible}. Set OFFSHOOT_STATE_DIR`));
});
