import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Announcements } from '../../src/job/announcements.js';
import type { JobView } from '../../src/job/supervisor.js';
import { createMemoryStore } from '../../src/store/memory.js';
import { SimulatedPool } from '../support/simulated-pool.js';
import { entryOf, jobId, moved, newJob } from '../support/store-jobs.js';

/** A store with settled jobs of which nothing was told, and a daemon that tells. */
async function open(jobs: number, store = createMemoryStore(), pool = new SimulatedPool()) {
  const records = Array.from({ length: jobs }, (_, index) => newJob(index + 1));
  await store.create(records);
  const settled = records.map(({ record }) => moved(record, 'done'));
  for (const record of settled) await store.save(record, entryOf('done'));
  const warnings = new EventTarget();
  const warned: string[] = [];
  const log = {
    warn: (details: object) => {
      warned.push((details as { job: string }).job);
      warnings.dispatchEvent(new Event('warning'));
    },
  };
  const announcements = new Announcements({ store, pool, log });
  return { store, pool, settled, warnings, warned, announcements };
}

const left = async ({ takeUnannounced }: { takeUnannounced(): Promise<{ id: string }[]> }) =>
  (await takeUnannounced()).map(({ id }) => id);

describe('announcements', () => {
  it('tell of what earlier daemons left, and of it once', async () => {
    const { store, pool, announcements } = await open(2);
    await announcements.takeUp();
    (await pool.next('announce', jobId(1))).answer(null);
    (await pool.next('announce', jobId(2))).answer(null);
    await announcements.close();
    assert.deepEqual(await left(store), []);
  });

  it('of jobs that settle are noted by the store once they were made', async () => {
    const { store, pool, settled, announcements } = await open(1);
    let tell: (view: JobView) => void = () => assert.fail('nobody follows');
    announcements.follow({
      subscribe: (listener) => {
        tell = listener;
        return () => undefined;
      },
    });
    for (const record of settled) tell({ record, queuePosition: null, replayed: false });
    const telling = await pool.next('announce', jobId(1));
    assert.deepEqual(await left(store), [jobId(1)]);
    telling.answer(null);
    await announcements.close();
    assert.deepEqual(await left(store), []);
  });

  it('that fail three times are given up, with a warning', async () => {
    const { store, pool, warnings, warned, announcements } = await open(1);
    await announcements.takeUp();
    const warning = once(warnings, 'warning');
    for (let attempt = 1; attempt <= 3; attempt += 1)
      (await pool.next('announce', jobId(1))).answer('It answered with status 500.');
    await warning;
    await announcements.close();
    assert.deepEqual(warned, [jobId(1)]);
    assert.deepEqual(await left(store), []);
  });

  it('that were not made when the daemon leaves are left to the next one', async () => {
    const { store, pool, announcements } = await open(6);
    await announcements.takeUp();
    const first = await pool.next('announce', jobId(1));
    const second = await pool.next('announce', jobId(2));
    const closing = announcements.close();
    first.answer(null);
    second.answer('It could not be reached.');
    for (const sequence of [3, 4]) (await pool.next('announce', jobId(sequence))).answer(null);
    await closing;
    assert.deepEqual(await left(store), [2, 5, 6].map(jobId));
    assert.equal(pool.underWay.length, 0);
  });
});
