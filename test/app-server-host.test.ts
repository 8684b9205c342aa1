import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { askHost } from '../src/stages/ask-host.js';
import { temporaryDirectory } from './support/directory.js';
import { appears } from './support/git-gate.js';

const entry = fileURLToPath(new URL('../src/app-server-host.js', import.meta.url));
const directory = await temporaryDirectory();
after(() => directory.remove());

it('a host outlives those who die in the middle of what they ask', async () => {
  // An app-server that never answers: nothing is asked of it here.
  const host = spawn(process.execPath, [entry, directory.path, directory.path, 'sleep', '600'], {
    stdio: 'ignore',
    detached: true,
  });
  const ended = once(host, 'exit');
  try {
    await appears(directory.path, 'socket');
    const asking = await connected(join(directory.path, 'socket'));
    asking.end('{"type":"take","job":{"inp');
    await once(asking.resume(), 'close');
    // What is asked may hold any text, also one that some take for the end of a line.
    const stop = { type: 'stop', directory: join(directory.path, 'no\u2028where'), graceMs: 0 } as const;
    assert.deepEqual(await askHost(directory.path, stop), { taken: false });
  } finally {
    if (host.exitCode === null) process.kill(-(host.pid as number), 'SIGKILL');
    await ended;
  }
});

/** The socket is there a moment before anybody listens. */
async function connected(path: string): Promise<Socket> {
  for (;;) {
    const socket = createConnection(path);
    const failure = await once(socket, 'connect').then(
      () => null,
      (problem: NodeJS.ErrnoException) => problem,
    );
    if (failure === null) return socket;
    if (failure.code !== 'ECONNREFUSED') throw failure;
  }
}
