import assert from 'node:assert/strict';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { finishRemovals, notedRemovals } from '../../src/job/artifacts.js';
import { createSupervisor } from '../../src/job/job-supervisor.js';
import { jobLayout } from '../../src/job/layout.js';
import type { Continuation } from '../../src/job/record.js';
import type { JobView } from '../../src/job/supervisor.js';
import { createMemoryStore } from '../../src/store/memory.js';
import { temporaryDirectory } from '../support/directory.js';
import { patchReport, request, TestClock, testLog, testSettings, worktreeReport } from '../support/house.js';
import { finish, SimulatedPool } from '../support/simulated-pool.js';

const never = new AbortController().signal;

async function open(store = createMemoryStore(), path?: string) {
  const directory = path ?? (await ownDirectory());
  const pool = new SimulatedPool();
  const settings = testSettings(directory, { maxRunning: 1 });
  const log = testLog();
  const supervisor = await createSupervisor({ store, pool, clock: new TestClock(), settings, log });
  const submit = async (continues: Continuation | null = null): Promise<JobView> => {
    const outcome = await supervisor.submit([request({ continues })]);
    assert.ok(outcome.ok, outcome.ok ? '' : outcome.fault.code);
    return outcome.value[0] as JobView;
  };
  const settle = async (id: string) => {
    await finish(pool, id);
    await supervisor.settled([id], 'all', never);
  };
  return { store, supervisor, pool, directory, log, submit, settle };
}

async function ownDirectory(): Promise<string> {
  const directory = await temporaryDirectory();
  after(() => directory.remove());
  return directory.path;
}

/** A job that has ended and has a file. */
async function leave(house: Awaited<ReturnType<typeof open>>): Promise<Continuation> {
  const { record } = await house.submit();
  await house.settle(record.id);
  const { directory } = jobLayout(house.directory, record.id);
  await mkdir(directory, { recursive: true });
  const { baselineCommit } = worktreeReport;
  const patch = { bytes: patchReport.bytes, sha256: patchReport.sha256 };
  return { jobId: record.id, baselineCommit, patch, threadId: 'thread-1', threadUsage: null };
}

const hasFiles = (stateDir: string, jobId: string) =>
  stat(join(jobLayout(stateDir, jobId).directory)).then(
    () => true,
    () => false,
  );

async function filesGone(stateDir: string, jobId: string): Promise<void> {
  while (await hasFiles(stateDir, jobId)) await new Promise(setImmediate);
}

it('a daemon that dies as it deletes the files of a removed job leaves a note, by which the next one deletes them', async () => {
  const house = await open();
  const { jobId } = await leave(house);
  const other = (await leave(house)).jobId;
  const { remove } = house.store;
  house.store.remove = async (...words) => {
    await remove.apply(house.store, words);
    throw new Error('The daemon dies.');
  };
  await assert.rejects(house.supervisor.remove(jobId));
  house.store.remove = async () => false;
  assert.equal(await house.supervisor.remove(other), false);
  assert.deepEqual(await notedRemovals(house.directory), [jobId]);
  house.supervisor.close();

  await finishRemovals(house.directory, house.store, () => false);
  assert.equal(await hasFiles(house.directory, jobId), false);
  assert.equal(await hasFiles(house.directory, other), true);
  assert.deepEqual(await notedRemovals(house.directory), []);
});

describe('the files of a job that is continued', () => {
  it('stay when the job is removed, until its last follow-up has taken them over', async () => {
    const house = await open();
    const { supervisor, pool } = house;
    const continues = await leave(house);
    const first = (await house.submit(continues)).record.id;
    const second = (await house.submit(continues)).record.id;
    assert.equal(await supervisor.remove(continues.jobId), true);
    assert.equal(await supervisor.look(continues.jobId), null);
    await house.settle(first);
    assert.equal(supervisor.holdsFiles(continues.jobId), true);
    assert.equal(await hasFiles(house.directory, continues.jobId), true);
    (await pool.next('worktree', second)).answer({ ok: true, worktree: worktreeReport });
    await pool.next('run', second);
    await filesGone(house.directory, continues.jobId);
    assert.equal(supervisor.holdsFiles(continues.jobId), false);
    supervisor.close();
  });

  it('go when the follow-up is cancelled in the queue, and stay while the job is there', async () => {
    const house = await open();
    const { supervisor } = house;
    const kept = await leave(house);
    const removed = await leave(house);
    const busy = (await house.submit()).record.id;
    const ids = [(await house.submit(kept)).record.id, (await house.submit(removed)).record.id];
    await supervisor.remove(removed.jobId);
    for (const id of ids) await supervisor.cancel(id, 'No more.');
    await filesGone(house.directory, removed.jobId);
    assert.equal(await hasFiles(house.directory, kept.jobId), true);
    await house.settle(busy);
    supervisor.close();
  });

  it('are spared by the next daemon, which knows the follow-up and not the job', async () => {
    const house = await open();
    const continues = await leave(house);
    const busy = (await house.submit()).record.id;
    const waiting = (await house.submit(continues)).record.id;
    await house.pool.next('worktree', busy);
    await house.supervisor.remove(continues.jobId);
    house.supervisor.close();

    const next = await open(house.store, house.directory);
    await finishRemovals(house.directory, house.store, (jobId) => next.supervisor.holdsFiles(jobId));
    assert.equal(await hasFiles(house.directory, continues.jobId), true);
    await next.supervisor.cancel(waiting, 'No more.');
    await filesGone(house.directory, continues.jobId);
    next.supervisor.close();
  });

  it('are not promised for a job that is gone', async () => {
    const house = await open();
    const continues = await leave(house);
    await house.supervisor.remove(continues.jobId);
    const refused = await house.supervisor.submit([request({ continues })]);
    assert.equal(!refused.ok && refused.fault.code, 'job_not_found');
    assert.equal(house.supervisor.holdsFiles(continues.jobId), false);
    assert.deepEqual(house.log.errors, []);
    house.supervisor.close();
  });
});
