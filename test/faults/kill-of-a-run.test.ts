import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { attemptLayout } from '../../src/job/layout.js';
import { temporaryDirectory } from '../support/directory.js';
import { appears } from '../support/git-gate.js';
import { childrenOf } from '../support/hosts.js';
import { leavesNothing, makeOffshoot, type Offshoot } from '../support/offshoot.js';
import { makeThreadCrash, type ThreadCrash } from './thread-crash.js';

const AGENT = 'cat >task.txt; : >"$HOME/started"; exec sleep 600';
const command = { OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: AGENT };

/** The processes that hold a job's agent, from the outermost: keeper, `sh` supervisor, agent. */
async function holders(offshoot: Offshoot, jobId: string): Promise<[number, number, number]> {
  const file = attemptLayout(offshoot.stateDir, jobId, 1).process;
  const keeper = Number((await readFile(file, 'utf8')).split('\n')[0]);
  const supervisor = (await childrenOf(keeper))[0] ?? 0;
  // The agent's shell says that it has started just before it becomes `sleep`.
  for (;;) {
    for (const child of await childrenOf(supervisor)) {
      const words = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
      if (words.startsWith('sleep\x00600')) return [keeper, supervisor, child];
    }
  }
}

/** Runs an agent, kills one of those that hold it, and sees how its job ends. */
async function killHolder(which: 0 | 1 | 2, alone: boolean): Promise<void> {
  const offshoot = await makeOffshoot({ environment: command });
  try {
    await offshoot.start();
    const id = await offshoot.delegate('half done');
    await appears(join(offshoot.root, 'home'), 'started');
    await offshoot.reach(id, 'running');
    const pid = (await holders(offshoot, id))[which];
    if (alone) await offshoot.kill();
    process.kill(pid, 'SIGKILL');
    if (alone) await offshoot.start();
    const result = await offshoot.result(id);
    assert.equal(result.status, 'failed');
    assert.equal(result.error.code, 'agent_killed');
    assert.match(result.patch.toString(), /half done/);
    assert.equal(result.events.filter(({ state }: { state: string }) => state === 'failed').length, 1);
    await leavesNothing(offshoot);
  } finally {
    await offshoot.remove();
  }
}

describe('kill -9 of what holds a run fails the job as killed, with its patch', { concurrency: 2 }, () => {
  it('of the agent', () => killHolder(2, false));
  it('of the sh supervisor', () => killHolder(1, false));
  it("of the namespace's keeper", () => killHolder(0, false));
  it('of the agent, while no daemon was there', () => killHolder(2, true));
});

/** Runs an agent, with threads that can be made to crash. */
async function withCrashes(use: (offshoot: Offshoot, threads: ThreadCrash, jobId: string) => Promise<void>) {
  const temporary = await temporaryDirectory();
  const threads = await makeThreadCrash(temporary.path);
  const offshoot = await makeOffshoot({ environment: { ...command, ...threads.environment } });
  try {
    await offshoot.start();
    const id = await offshoot.delegate('half done');
    await appears(join(offshoot.root, 'home'), 'started');
    await offshoot.reach(id, 'running');
    await use(offshoot, threads, id);
  } finally {
    await offshoot.remove();
    await temporary.remove();
  }
}

describe('threads that die under a job', { concurrency: 2, timeout: 600_000 }, () => {
  it('four times end the job with its agent dead, its patch kept and the reason in the log', () =>
    withCrashes(async (offshoot, threads, id) => {
      const log = join(offshoot.stateDir, 'logs', 'daemon.log');
      // An order may find a thread that follows the agent, or one that is only about to.
      const lost = async () => (await readFile(log, 'utf8')).split('"type":"ThreadLost"').length - 1;
      while ((await lost()) < 4) {
        const [before, followed] = [await lost(), await threads.followed()];
        await threads.crash('pool');
        while ((await lost()) === before) await delay(10);
        while ((await lost()) < 4 && (await threads.followed()) === followed) await delay(10);
      }
      const result = await offshoot.result(id);
      assert.equal(result.error.code, 'internal_error');
      assert.match(result.patch.toString(), /half done/);
      await leavesNothing(offshoot);
    }));

  it('as they start are followed by others, and the job goes on', () =>
    withCrashes(async (offshoot, threads, id) => {
      while ((await threads.followed()) < 1) await delay(20);
      await threads.stillborn(3);
      await threads.crash('pool');
      while ((await threads.unborn()) > 0) await delay(20);
      while ((await threads.followed()) < 2) await delay(20);
      assert.equal((await offshoot.call('codex_job_status', { job_id: id })).status, 'running');
      await offshoot.call('codex_job_cancel', { job_id: id });
      assert.match((await offshoot.result(id)).patch.toString(), /half done/);
      await leavesNothing(offshoot);
    }));

  it('while the system gives no other are followed by some when it does, and the job goes on', () =>
    withCrashes(async (offshoot, threads, id) => {
      while ((await threads.followed()) < 1) await delay(20);
      await threads.refuse(true);
      await threads.crash('pool');
      // For the stage that is entered again.
      while ((await threads.refused()) < 1) await delay(20);
      await threads.refuse(false);
      while ((await threads.followed()) < 2) await delay(20);
      assert.equal((await offshoot.call('codex_job_status', { job_id: id })).status, 'running');
      await offshoot.call('codex_job_cancel', { job_id: id });
      assert.match((await offshoot.result(id)).patch.toString(), /half done/);
      await leavesNothing(offshoot);
      const log = await readFile(join(offshoot.stateDir, 'logs/daemon.log'), 'utf8');
      assert.doesNotMatch(log, /uncaught exception/);
    }));
});

describe('the death of the thread of the store', () => {
  it('ends the daemon, and the next one has every job', () =>
    withCrashes(async (offshoot, threads, id) => {
      const ended = offshoot.ended();
      await threads.crash('store');
      assert.deepEqual(await ended, [1, null]);
      await offshoot.start();
      assert.equal((await offshoot.call('codex_job_status', { job_id: id })).status, 'running');
      await offshoot.call('codex_job_cancel', { job_id: id });
      assert.match((await offshoot.result(id)).patch.toString(), /half done/);
      await leavesNothing(offshoot);
    }));
});

describe('kill -9 of the daemon at any moment of a loop of submissions', () => {
  it('loses no job whose id was answered', async () => {
    const offshoot = await makeOffshoot({
      environment: { ...command, OFFSHOOT_COMMAND: 'exec sleep 600', OFFSHOOT_MAX_RUNNING: '1' },
    });
    try {
      const acknowledged: string[] = [];
      for (let round = 0; round < 4; round += 1) {
        await offshoot.start();
        const until = acknowledged.length + 3 + round * 7;
        const submitting = Array.from({ length: 60 }, (_, index) =>
          offshoot.delegate(`${round}-${index}`).then(
            (id) => void acknowledged.push(id),
            () => undefined,
          ),
        );
        while (acknowledged.length < until) await new Promise(setImmediate);
        await offshoot.kill();
        await Promise.all(submitting);
      }
      await offshoot.start();
      for (const job_id of acknowledged)
        assert.ok(
          ['queued', 'worktree', 'running'].includes(
            (await offshoot.call('codex_job_status', { job_id })).status,
          ),
        );
      assert.ok((await readdir(offshoot.stateDir)).includes('jobs.sqlite'));
      for (const id of acknowledged) await offshoot.call('codex_job_cancel', { job_id: id });
      for (const id of acknowledged) assert.equal((await offshoot.result(id)).status, 'cancelled');
    } finally {
      await offshoot.remove();
    }
  });
});
