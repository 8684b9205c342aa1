import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { hang } from '../../src/demo/reply.js';
import { startScriptedModel } from '../../src/demo/scripted-model.js';
import { callOperation } from '../../src/ipc/client.js';
import { connectDaemon } from '../../src/ipc/connect.js';
import { ownHello } from '../../src/ipc/hello.js';
import { socketPath } from '../../src/ipc/socket-path.js';
import { appears } from '../support/git-gate.js';
import { daemonEntry, makeOffshoot, type Offshoot } from '../support/offshoot.js';

const environment = {
  OFFSHOOT_BACKEND: 'command',
  OFFSHOOT_COMMAND: 'cat >task.txt; : >"$HOME/started"; until [ -e "$HOME/go" ]; do sleep 0.02; done',
  OFFSHOOT_MAX_RUNNING: '1',
};

/** A daemon with one job that runs and one that waits. */
async function withJobs(use: (offshoot: Offshoot, running: string) => Promise<void>): Promise<void> {
  const offshoot = await makeOffshoot({ environment });
  try {
    await offshoot.start();
    const running = await offshoot.delegate('the work');
    await appears(join(offshoot.root, 'home'), 'started');
    await offshoot.delegate('the work, later');
    await use(offshoot, running);
  } finally {
    await offshoot.remove();
  }
}

/** The daemon has ended by itself; the next one knows of nothing, and does its work. */
async function startsClean(offshoot: Offshoot, left: string[] = []): Promise<void> {
  assert.deepEqual(await offshoot.agents(), []);
  await offshoot.start();
  assert.deepEqual((await offshoot.call('codex_job_list')).jobs, []);
  assert.deepEqual(await offshoot.slots(), left);
  await writeFile(join(offshoot.root, 'home', 'go'), '');
  assert.equal((await offshoot.result(await offshoot.delegate('the work'))).status, 'done');
}

describe('under a daemon at work', { concurrency: 2 }, () => {
  it('the whole state directory is removed: daemon and agents end, and the next one starts clean', () =>
    withJobs(async (offshoot) => {
      const ended = offshoot.ended();
      await rm(offshoot.stateDir, { recursive: true, force: true, maxRetries: 10 });
      const refused = await offshoot.refusal('codex_delegate_async', {
        task: 'more',
        workspace_root: offshoot.repository,
      });
      assert.notEqual(refused.code, 'internal_error');
      assert.deepEqual(await ended, [1, null]);
      await startsClean(offshoot);
    }));

  it('it is removed while jobs share a process: that ends too', async () => {
    const model = await startScriptedModel(() => hang('request'));
    const offshoot = await makeOffshoot({ model, environment: { OFFSHOOT_BACKEND: 'codex-app-server' } });
    try {
      await offshoot.start();
      await offshoot.delegate('the work');
      await model.requested(1, 'the work');
      const ended = offshoot.ended();
      await rm(offshoot.stateDir, { recursive: true, force: true, maxRetries: 10 });
      assert.deepEqual(await ended, [1, null]);
      assert.deepEqual(await offshoot.agents(), []);
    } finally {
      await offshoot.remove();
      await model.close();
    }
  });

  it('it is removed after the daemon of jobs that share a process was killed: that ends, before their deadlines', {
    timeout: 120_000,
  }, async ({ signal }) => {
    const model = await startScriptedModel(() => hang('request'));
    const offshoot = await makeOffshoot({ model, environment: { OFFSHOOT_BACKEND: 'codex-app-server' } });
    try {
      await offshoot.start();
      await offshoot.delegate('the work');
      await model.requested(1, 'the work');
      await offshoot.kill();
      await rm(offshoot.stateDir, { recursive: true, force: true, maxRetries: 10 });
      while ((await offshoot.agents()).length > 0) await delay(50, null, { signal });
    } finally {
      await offshoot.remove();
      await model.close();
    }
  });

  it('the store alone is removed: the same, and meanwhile nothing is accepted', () =>
    withJobs(async (offshoot, running) => {
      const ended = offshoot.ended();
      for (const end of ['', '-wal', '-shm'])
        await rm(join(offshoot.stateDir, `jobs.sqlite${end}`), { force: true });
      const refused = await offshoot.refusal('codex_delegate_async', {
        task: 'more',
        workspace_root: offshoot.repository,
      });
      // It may have ended by now.
      assert.ok(['store_unavailable', 'answer_lost'].includes(refused.code), refused.code);
      assert.deepEqual(await ended, [1, null]);
      // The store may come back.
      await startsClean(offshoot, [running]);
    }));

  it('the lock alone is removed: no other serves beside it, not even while it is stopped, and it ends', () =>
    withJobs(async (offshoot) => {
      const ended = offshoot.ended();
      process.kill(offshoot.pid(), 'SIGSTOP');
      await rm(join(offshoot.stateDir, 'daemon.lock'));
      const other = spawnSync(process.execPath, [daemonEntry], {
        env: offshoot.environment,
        encoding: 'utf8',
      });
      process.kill(offshoot.pid(), 'SIGCONT');
      assert.deepEqual([other.status, other.stderr], [0, '']);
      assert.deepEqual(await ended, [1, null]);
      assert.deepEqual(await offshoot.agents(), []);
    }));

  it('the whole state directory is removed while a daemon starts: it ends, and makes none', async () => {
    const offshoot = await makeOffshoot({ environment });
    try {
      const late = spawnSync(process.execPath, [daemonEntry], {
        env: offshoot.environment,
        encoding: 'utf8',
      });
      assert.deepEqual([late.status, late.stderr], [0, '']);
      assert.ok(!existsSync(offshoot.stateDir));

      await mkdir(offshoot.stateDir, { mode: 0o700 });
      const opening = spawn(process.execPath, [daemonEntry], { env: offshoot.environment, stdio: 'ignore' });
      const ended = once(opening, 'exit');
      while (!existsSync(join(offshoot.stateDir, 'daemon.lock'))) await delay(1);
      await rm(offshoot.stateDir, { recursive: true, force: true, maxRetries: 10 });
      assert.deepEqual(await ended, [1, null]);
      assert.ok(!existsSync(offshoot.stateDir));
    } finally {
      await offshoot.remove();
    }
  });

  it('the socket is removed: it is made again, and the jobs go on', () =>
    withJobs(async (offshoot, running) => {
      const socket = socketPath(offshoot.stateDir);
      await rm(socket);
      while (!existsSync(socket)) await delay(20);
      const reached = await connectDaemon({ socket, hello: ownHello('operations') });
      assert.ok(reached.ok);
      const looked = await callOperation(reached.value, 'codex_job_status', { job_id: running });
      assert.equal(looked.ok && (looked.value as { status: string }).status, 'running');
      const closed = once(reached.value.socket, 'close');
      reached.value.socket.destroy();
      await closed;
      await writeFile(join(offshoot.root, 'home', 'go'), '');
      assert.equal((await offshoot.result(running)).status, 'done');
    }));

  it('no token can be written: the page is refused, and opened when one can', () =>
    withJobs(async (offshoot) => {
      const tokens = join(offshoot.stateDir, 'tokens');
      await writeFile(tokens, '');
      for (const _ of ['once', 'twice']) {
        const refused = await offshoot.refusal('page.open');
        assert.equal(refused.code, 'store_unavailable', refused.message);
      }
      await rm(tokens);
      assert.match((await offshoot.call('page.open')).url, /^http:/);
    }));
});
