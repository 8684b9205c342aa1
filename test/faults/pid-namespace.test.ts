import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connectDaemon } from '../../src/ipc/connect.js';
import { ownHello } from '../../src/ipc/hello.js';
import { socketPath } from '../../src/ipc/socket-path.js';
import { stateLayout } from '../../src/job/layout.js';
import { findHolding } from '../../src/stages/containment.js';
import { appears } from '../support/git-gate.js';
import { daemonEntry, leavesNothing, makeOffshoot, type Offshoot } from '../support/offshoot.js';

const environment = {
  OFFSHOOT_BACKEND: 'command',
  OFFSHOOT_COMMAND: 'cat >task.txt; : >"$HOME/started"; until [ -e "$HOME/go" ]; do sleep 0.02; done',
};
const holding = await findHolding(process.env as Record<string, string>);
const skip = holding.containment === 'namespace' ? false : 'This machine gives no PID namespace.';

/** Starts a daemon in a PID namespace of its own; answers what it said as it ended, or that it serves. */
async function startElsewhere({ environment: env, stateDir }: Offshoot): Promise<string> {
  const [program = '', ...words] = [...holding.wrapper, process.execPath, daemonEntry];
  const daemon = spawn(program, words, { env, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(daemon, 'exit');
  const said = text(daemon.stderr);
  try {
    for (; daemon.exitCode === null; await delay(20)) {
      const reached = await connectDaemon({ socket: socketPath(stateDir), hello: ownHello('operations') });
      if (!reached.ok) continue;
      reached.value.socket.destroy();
      return 'it serves';
    }
    return await said;
  } finally {
    daemon.kill('SIGKILL');
    await ended;
  }
}

describe('a daemon in another PID namespace than that of living agents', { skip }, () => {
  it('does not start, takes none of them for dead, and starts when they have ended', async () => {
    const offshoot = await makeOffshoot({ environment });
    const home = join(offshoot.root, 'home');
    try {
      await offshoot.start();
      const id = await offshoot.delegate('stay');
      await appears(home, 'started');
      await offshoot.kill();
      assert.match(await startElsewhere(offshoot), /cannot be seen from here/);

      await offshoot.start();
      await offshoot.reach(id, 'running');
      await writeFile(join(home, 'go'), '');
      assert.equal((await offshoot.result(id)).status, 'done');
      await leavesNothing(offshoot);
      await offshoot.kill();

      const { namespaces } = stateLayout(offshoot.stateDir);
      assert.equal((await readdir(namespaces)).length, 1);
      assert.equal(await startElsewhere(offshoot), 'it serves');
      assert.deepEqual(await readdir(namespaces), []);
    } finally {
      await offshoot.remove();
    }
  });
});
