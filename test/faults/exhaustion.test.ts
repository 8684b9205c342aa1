import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryDirectory } from '../support/directory.js';
import { appears } from '../support/git-gate.js';
import { commandLine, leavesNothing, makeOffshoot, type Offshoot } from '../support/offshoot.js';
import { makeThreadCrash } from './thread-crash.js';

const environment = {
  OFFSHOOT_BACKEND: 'command',
  OFFSHOOT_COMMAND: 'cat >task.txt; : >"$HOME/started"; until [ -e "$HOME/go" ]; do sleep 0.02; done',
  OFFSHOOT_RETRY_SECONDS: '1',
};
const NOBODY = 65_534;

function missing(program: string): string | false {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return `There is no ${program} on this machine.`;
  }
}

/** Words that make a program another user's; it stays the same process. */
const asNobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];

/** Sets a limit of the daemon; `as` are words put before, for a daemon of another user. */
function limit(offshoot: Offshoot, limits: string, as: readonly string[] = []): void {
  const [program = '', ...words] = [...as, 'prlimit', '--pid', String(offshoot.pid()), limits];
  execFileSync(program, words);
}

async function endsWell(offshoot: Offshoot, id: string): Promise<void> {
  const result = await offshoot.result(id);
  assert.equal(result.status, 'done', JSON.stringify(result.error));
  assert.match(result.patch.toString(), /the work/);
  await leavesNothing(offshoot);
}

describe('a daemon that may open no more files', { skip: missing('prlimit') }, () => {
  it('keeps its running agent, refuses or holds new work, and goes on when it may again', async () => {
    const offshoot = await makeOffshoot({ environment });
    try {
      await offshoot.start();
      const id = await offshoot.delegate('the work');
      await appears(join(offshoot.root, 'home'), 'started');
      await offshoot.reach(id, 'running');
      const open = (await readdir(`/proc/${offshoot.pid()}/fd`)).length;
      limit(offshoot, `--nofile=${open}:4096`);
      // Git is needed to accept it, and nothing can be opened for that.
      const second = await offshoot.delegate('the work, again').catch((problem: Error) => problem);
      assert.equal((await offshoot.call('codex_job_status', { job_id: id })).status, 'running');
      limit(offshoot, '--nofile=4096:4096');
      await writeFile(join(offshoot.root, 'home', 'go'), '');
      if (typeof second === 'string') await offshoot.result(second);
      await endsWell(offshoot, id);
      await endsWell(offshoot, await offshoot.delegate('the work'));
    } finally {
      await offshoot.remove();
    }
  });
});

describe('a daemon that is given no thread', () => {
  it('does not come up, and its client says why', async () => {
    const temporary = await temporaryDirectory();
    const threads = await makeThreadCrash(temporary.path);
    const offshoot = await makeOffshoot({ environment: { ...environment, ...threads.environment } });
    try {
      await threads.refuse(true);
      const listed = spawnSync(process.execPath, [commandLine, 'list'], {
        env: offshoot.environment,
        encoding: 'utf8',
      });
      assert.equal(listed.status, 1, listed.stderr);
      assert.match(
        listed.stderr,
        /The daemon did not start\. \(daemon_unavailable\)\n.*EAGAIN.* raise .*ulimit -u/,
      );
      await threads.refuse(false);
      await offshoot.start();
      assert.deepEqual((await offshoot.call('codex_job_list')).jobs, []);
    } finally {
      await offshoot.remove();
      await temporary.remove();
    }
  });
});

describe('a machine that has no process left', {
  skip:
    process.getuid?.() === 0
      ? missing('prlimit') || missing('setpriv')
      : 'Only root can become another user.',
}, () => {
  it('holds a job up until there are some again', async () => {
    const offshoot = await makeOffshoot({
      environment,
      prefix: asNobody,
    });
    try {
      await chmod(offshoot.root, 0o755);
      execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, offshoot.root]);
      await writeFile(join(offshoot.root, 'home', 'go'), '');
      await offshoot.start();
      // So that its threads are there: a thread is a process to this limit.
      await offshoot.result(await offshoot.delegate('the work'));
      limit(offshoot, '--nproc=1:', asNobody);
      const id = await offshoot.delegate('the work');
      // A shell that a thread has already may still start git; an agent needs a process of the daemon's.
      while (!(await offshoot.slots()).includes(id)) await delay(20);
      const held = await offshoot.call('codex_job_status', { job_id: id });
      assert.ok(['worktree', 'running'].includes(held.status), held.status);
      assert.deepEqual(await offshoot.agents(), []);
      limit(offshoot, '--nproc=20000:', asNobody);
      await endsWell(offshoot, id);
    } finally {
      await offshoot.remove();
    }
  });
});
