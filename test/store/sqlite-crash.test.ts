import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { renameSync } from 'node:fs';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { DatabaseSync } from '@photostructure/sqlite';
import { StoreFailure } from '../../src/errors.js';
import { storeOver } from '../../src/store/sqlite-proxy.js';
import { breakDisk, noBrokenDisk } from '../support/broken-disk.js';
import { storeFiles } from '../support/store-files.js';
import { entryOf, jobId, moved, NOW, newJob } from '../support/store-jobs.js';
import { WriterProcess } from '../support/store-process.js';

const files = storeFiles();
after(files.clean);

const sequencesOf = (said: readonly string[], word: string): number[] =>
  said.filter((line) => line.startsWith(word)).map((line) => Number(line.slice(word.length)));

test('a store that is opened again finds everything', async () => {
  const path = files.freshPath();
  const job = newJob(3, { key: 'key', label: 'label' });
  const first = await files.open(path);
  await first.create([job, newJob(9, { key: 'removed' })]);
  await first.save(moved(newJob(9).record, 'done'), entryOf('done'));
  await first.remove(jobId(9), NOW);
  await first.close();
  const second = await files.open(path);
  assert.deepEqual(await second.get(job.record.id), job.record);
  assert.equal(await second.task(job.record.id), job.task);
  assert.deepEqual(await second.journal(job.record.id), [job.entry]);
  assert.equal(await second.lastSequence(), 9);
  const again = [newJob(10, { key: 'key' }), newJob(11, { key: 'removed' })];
  assert.deepEqual(await second.create(again), {
    ok: false,
    known: [
      { jobId: jobId(3), sameArguments: true, gone: false },
      { jobId: jobId(9), sameArguments: true, gone: true },
    ],
  });
});

test('a process that is killed while it writes loses nothing that was acknowledged', async () => {
  const path = files.freshPath();
  const kept = new Set<number>();
  const settled = new Set<number>();
  for (let round = 0; round < 5; round += 1) {
    const writer = new WriterProcess(path);
    writer.write(Array.from({ length: 1_000 }, (_, index) => round * 1_000 + index + 1));
    await writer.hear(50 + round * 97);
    await writer.kill();
    for (const sequence of sequencesOf(writer.said, 'kept ')) kept.add(sequence);
    for (const sequence of sequencesOf(writer.said, 'settled ')) settled.add(sequence);
    const store = await files.open(path);
    const records = new Map((await store.list({ limit: 10_000 })).map((record) => [record.sequence, record]));
    for (const sequence of kept) assert.ok(records.has(sequence), `job ${sequence} is lost`);
    for (const sequence of settled) assert.equal(records.get(sequence)?.state, 'done');
    for (const { id, state } of records.values()) {
      assert.equal((await store.task(id))?.length, 10_000);
      assert.equal((await store.journal(id)).length, state === 'done' ? 2 : 1);
    }
    await store.close();
  }
  assert.ok(kept.size > 100);
});

test('another process may read while this one writes', async () => {
  const path = files.freshPath();
  const writer = new WriterProcess(path);
  await writer.hear('ready');
  const reader = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  const count = reader.prepare('SELECT count(*) AS count FROM job');
  writer.write(Array.from({ length: 500 }, (_, index) => index + 1));
  const counts: number[] = [];
  for (let heard = 100; heard <= 1_001; heard += 100) {
    await writer.hear(heard);
    counts.push(count.get().count);
  }
  await writer.hear(1_001);
  assert.equal(count.get().count, 500);
  assert.deepEqual(
    counts,
    counts.toSorted((one, other) => one - other),
  );
  reader.close();
  await writer.finish();
  assert.deepEqual(sequencesOf(writer.said, 'refused '), []);
});

test('a write waits for another process that holds the file', async () => {
  const path = files.freshPath();
  const store = await files.open(path);
  const holder = new DatabaseSync(path, { timeout: 5_000 });
  holder.exec('BEGIN IMMEDIATE');
  const creating = store.create([newJob(1)]);
  holder.exec('COMMIT');
  holder.close();
  assert.deepEqual(await creating, { ok: true });
});

const prlimit = (pid: number, bytes: string) =>
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);

const hasPrlimit = () => {
  try {
    execFileSync('prlimit', ['--version']);
    return true;
  } catch {
    return false;
  }
};

test('a write that does not fit on the disk is refused, and the next one that fits is kept', {
  skip: !hasPrlimit(),
}, async () => {
  const path = files.freshPath();
  const writer = new WriterProcess(path);
  writer.write([1, 2]);
  await writer.hear(5);
  prlimit(writer.pid, '4096');
  writer.write([3, 4, 5]);
  for (const sequence of [3, 4, 5]) await writer.hear(`refused ${sequence}`);
  prlimit(writer.pid, 'unlimited');
  writer.write([6, 3]);
  await writer.hear('settled 3');
  await writer.hear('settled 6');
  await writer.finish();
  const store = await files.open(path);
  const found = (await store.list({ limit: 10 })).map(({ sequence, state }) => `${sequence} ${state}`);
  assert.deepEqual(found, ['6 done', '3 done', '2 done', '1 done']);
});

test('a write is refused while the file is gone, and kept once it is back', async () => {
  const path = files.freshPath();
  const store = await files.open(path);
  await store.create([newJob(1)]);
  renameSync(path, `${path}-elsewhere`);
  const { record } = newJob(1);
  await assert.rejects(store.save(moved(record, 'done'), entryOf('done')), /gone/);
  assert.deepEqual(await store.get(record.id), record);
  renameSync(`${path}-elsewhere`, path);
  assert.equal(await store.save(moved(record, 'done'), entryOf('done')), true);
});

test('a call that breaks does not harm those that are committed with it', async () => {
  const store = await files.open();
  const broken = newJob(2);
  broken.record.sequence = 1;
  const answers = await Promise.allSettled([
    store.create([newJob(1)]),
    store.create([broken]),
    store.save(moved(newJob(1).record, 'running'), entryOf('running')),
    store.create([newJob(3)]),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  );
  assert.deepEqual(
    (await store.list({ limit: 10 })).map(({ sequence, state }) => [sequence, state]),
    [
      [3, 'queued'],
      [1, 'running'],
    ],
  );
  assert.equal((await store.journal(jobId(1))).length, 2);
});

test('a thread that dies rejects what is pending and every later call', async () => {
  const path = files.freshPath();
  const entry = new URL('../../src/store/sqlite-thread.js', import.meta.url);
  const thread = new Worker(entry, { workerData: { path } });
  await once(thread, 'message');
  const store = storeOver(thread, () => {});
  await store.create([newJob(1)]);
  // With the file held, nothing can be answered before the thread is told to die.
  const holder = new DatabaseSync(path, { timeout: 5_000 });
  holder.exec('BEGIN IMMEDIATE');
  const lost = new StoreFailure('The thread of the store ended.');
  const pending = [store.create([newJob(2)]), store.unsettled()];
  const rejections = pending.map((call) => assert.rejects(call, lost));
  const terminated = thread.terminate();
  holder.close();
  await terminated;
  await Promise.all(rejections);
  await assert.rejects(store.get(jobId(1)), lost);
  await store.close();
  const reopened = await files.open(path);
  assert.deepEqual(await reopened.get(jobId(1)), newJob(1).record);
});

for (const [title, calls] of [
  ['a write that cannot be written (EIO) is refused, and the next one that can is kept', 'pwrite64'],
  ['a write that cannot be flushed (EIO) is refused, and the next one that can is kept', 'fsync,fdatasync'],
] as const) {
  test(title, {
    skip: noBrokenDisk(),
  }, async () => {
    const path = files.freshPath();
    const writer = new WriterProcess(path);
    writer.write([1]);
    await writer.hear('settled 1');
    const mend = await breakDisk(writer.pid, `${path}-wal`, calls);
    writer.write([2]);
    await writer.hear('refused 2');
    await mend();
    writer.write([3]);
    await writer.hear('settled 3');
    await writer.kill();
    const store = await files.open(path);
    assert.deepEqual(
      (await store.list({ limit: 10 })).map(({ sequence, state }) => [sequence, state]).sort(),
      [
        [1, 'done'],
        [3, 'done'],
      ],
    );
    await store.close();
  });
}
