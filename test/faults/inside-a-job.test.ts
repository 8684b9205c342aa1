import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connectDaemon } from '../../src/ipc/connect.js';
import { ownHello } from '../../src/ipc/hello.js';
import { socketPath } from '../../src/ipc/socket-path.js';
import { appears } from '../support/git-gate.js';
import { commandLine, leavesNothing, makeOffshoot } from '../support/offshoot.js';

const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
});

/** An agent whose Offshoot is its user's, as one is that Codex's configuration names. */
const agent = `cat >task.txt
: >"$HOME/started"
until [ -e "$HOME/killed" ]; do sleep 0.02; done
echo '${initialize}' | OFFSHOOT_STATE_DIR="$(dirname "$HOME")/state" ${process.execPath} ${commandLine} mcp >"$HOME/said"
: >"$HOME/heard"
until [ -e "$HOME/go" ]; do sleep 0.02; done`;

describe('a bridge inside a job', () => {
  it('whose daemon is killed starts none there, says so, and the job goes on with the next daemon', async () => {
    const offshoot = await makeOffshoot({
      environment: { OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: agent },
    });
    const home = join(offshoot.root, 'home');
    try {
      await offshoot.start();
      const id = await offshoot.delegate('stay');
      await appears(home, 'started');
      await offshoot.reach(id, 'running');
      await offshoot.kill();
      await writeFile(join(home, 'killed'), '');
      await appears(home, 'heard');
      assert.match(await readFile(join(home, 'said'), 'utf8'), /from inside a job none is started/);
      const socket = socketPath(offshoot.stateDir);
      assert.equal((await connectDaemon({ socket, hello: ownHello('operations') })).ok, false);

      await offshoot.start();
      await offshoot.reach(id, 'running');
      await writeFile(join(home, 'go'), '');
      const { status, patch } = await offshoot.result(id);
      assert.equal(status, 'done');
      assert.match(patch.toString(), /stay/);
      await leavesNothing(offshoot);
    } finally {
      await offshoot.remove();
    }
  });
});
