import { mkdir, realpath } from 'node:fs/promises';
import { stateLayout } from '../../src/job/layout.js';
import { newRecord } from '../../src/job/new-record.js';
import { openSqliteStore } from '../../src/store/sqlite.js';
import type { NewJob, Store } from '../../src/store/store.js';
import { submissionFor } from './submission.js';

const AT_ONCE = 500;
const WEEK_SECONDS = 604_800;

/** A queued job, as the supervisor hands it to the store. */
export function queuedJob(repository: string, sequence: number): NewJob {
  const task = `Task number ${sequence} of a bench, as long as a short task of a user's may well be.`;
  const now = Date.now();
  return {
    record: newRecord(submissionFor(repository, task), sequence, now, WEEK_SECONDS),
    task,
    argumentsHash: '',
    entry: { at: now, state: 'queued', event: 'job.submitted', reason: null },
  };
}

/** Puts that many queued jobs into a store; answers their ids, oldest first. */
export async function addQueuedJobs(store: Store, repository: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  const first = (await store.lastSequence()) + 1;
  for (let done = 0; done < count; done += AT_ONCE) {
    const jobs = Array.from({ length: Math.min(AT_ONCE, count - done) }, (_, index) =>
      queuedJob(repository, first + done + index),
    );
    await store.create(jobs);
    ids.push(...jobs.map(({ record }) => record.id));
  }
  return ids;
}

/** Leaves a state directory as a daemon would that was killed with that many jobs in its queue. */
export async function fillQueue(
  { repository, stateDir }: { repository: string; stateDir: string },
  count: number,
): Promise<string[]> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const store = await openStore(stateLayout(stateDir).store);
  const ids = await addQueuedJobs(store, await realpath(repository), count);
  await store.close();
  return ids;
}

export async function openStore(path: string): Promise<Store> {
  const opened = await openSqliteStore(path);
  if (!opened.ok) throw new Error(opened.fault.message);
  return opened.value.store;
}
