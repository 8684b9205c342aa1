import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { callOperation } from '../../src/ipc/client.js';
import { connectDaemon } from '../../src/ipc/connect.js';
import { ownHello } from '../../src/ipc/hello.js';
import { socketPath } from '../../src/ipc/socket-path.js';
import { stateLayout } from '../../src/job/layout.js';
import { appears } from '../support/git-gate.js';
import { commandLine, daemonEntry, makeOffshoot } from '../support/offshoot.js';

const command = {
  OFFSHOOT_BACKEND: 'command',
  OFFSHOOT_COMMAND: 'cat >task.txt; : >"$HOME/started"; until [ -e "$HOME/go" ]; do sleep 0.02; done',
};

describe('a daemon that starts', { concurrency: 3 }, () => {
  it('removes processes, slots and files of a removed job, and leaves those of others', async () => {
    const offshoot = await makeOffshoot({ environment: command });
    try {
      await offshoot.start();
      const id = await offshoot.delegate('stay');
      await appears(join(offshoot.root, 'home'), 'started');
      await offshoot.reach(id, 'running');
      await offshoot.kill();

      // As a daemon leaves it that dies between forgetting a job and deleting its files.
      const nobody = 'a'.repeat(32);
      const { jobs, removals } = stateLayout(offshoot.stateDir);
      const files = join(jobs, nobody);
      await mkdir(join(files, 'tmp'), { recursive: true });
      await mkdir(removals);
      await writeFile(join(removals, nobody), '');
      const [repository = ''] = await readdir(join(offshoot.stateDir, 'repositories'));
      const slots = join(offshoot.stateDir, 'repositories', repository, 'slots');
      await mkdir(join(slots, nobody, 'wt'), { recursive: true });
      const stray = spawn('sleep', ['600'], {
        env: { PATH: '/usr/bin:/bin', OFFSHOOT_JOB: nobody, TMPDIR: join(files, 'tmp') },
        stdio: 'ignore',
        detached: true,
      });
      const foreign = spawn('sleep', ['600'], {
        env: { PATH: '/usr/bin:/bin', OFFSHOOT_JOB: nobody, TMPDIR: '/elsewhere/jobs/x/tmp' },
        stdio: 'ignore',
        detached: true,
      });
      const ended = once(stray, 'exit');
      await offshoot.start();
      assert.deepEqual(await ended, [null, 'SIGKILL']);
      assert.equal(foreign.exitCode, null);
      foreign.kill('SIGKILL');
      await assert.rejects(stat(join(slots, nobody)), { code: 'ENOENT' });
      while ((await readdir(removals)).length > 0) await new Promise(setImmediate);
      await assert.rejects(stat(files), { code: 'ENOENT' });

      assert.equal((await offshoot.call('codex_job_status', { job_id: id })).status, 'running');
      await offshoot.call('codex_job_cancel', { job_id: id });
      assert.match((await offshoot.result(id)).patch.toString(), /stay/);
    } finally {
      await offshoot.remove();
    }
  });

  it('is the only one of its state directory: a second one does not start', async () => {
    const offshoot = await makeOffshoot({ environment: command });
    try {
      await offshoot.start();
      const second = spawn(process.execPath, [daemonEntry], {
        env: offshoot.environment,
        stdio: 'ignore',
      });
      assert.deepEqual(await once(second, 'exit'), [0, null]);
      const third = spawn(process.execPath, [commandLine, 'daemon'], {
        env: offshoot.environment,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      assert.equal(
        await text(third.stderr),
        'offshoot: Another daemon holds this state directory: `offshoot stop` ends it.\n',
      );
      await offshoot.call('codex_status');
    } finally {
      await offshoot.remove();
    }
  });
});

describe('a client of a newer version', () => {
  it('gets a daemon of its own when the old one is idle, and the old one while it has jobs', async () => {
    const offshoot = await makeOffshoot({ environment: command });
    const newer = { ...ownHello('operations'), version: '99.0.0' };
    const socket = socketPath(offshoot.stateDir);
    try {
      await offshoot.start();
      const id = await offshoot.delegate('hold');
      await offshoot.reach(id, 'running');
      const busy = await connectDaemon({ socket, hello: newer });
      assert.ok(busy.ok);
      const listed = await callOperation(busy.value, 'codex_job_list', {});
      assert.ok(listed.ok);
      const left = once(busy.value.socket, 'close');
      await offshoot.call('codex_job_cancel', { job_id: id });
      await left;
      // The daemon has left with its last job: a client starts another.
      const again = await connectDaemon({ socket, hello: ownHello('operations') });
      assert.equal(again.ok, false);
      await offshoot.start();
      assert.equal((await offshoot.result(id)).status, 'cancelled');
    } finally {
      await offshoot.remove();
    }
  });
});
