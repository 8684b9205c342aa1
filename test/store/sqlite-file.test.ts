import assert from 'node:assert/strict';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { DatabaseSync } from '@photostructure/sqlite';
import { openSqliteStore } from '../../src/store/sqlite.js';
import type { Unreadable } from '../../src/store/sqlite-rows.js';
import { storeFiles } from '../support/store-files.js';
import { entryOf, jobId, moved, newJob } from '../support/store-jobs.js';

const files = storeFiles();
after(files.clean);

/** A closed store with a few hundred jobs, so that it has pages of every kind. */
async function filledPath(): Promise<string> {
  const path = files.freshPath();
  const store = await files.open(path);
  await store.create(Array.from({ length: 300 }, (_, index) => newJob(index + 1, { key: `key ${index}` })));
  await store.close();
  return path;
}

const alter = (path: string, sql: string) => {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
};

const overwrite = (path: string, position: number, bytes: Buffer) => {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
};

test('only the user may read the store', async () => {
  const path = files.freshPath();
  const store = await files.open(path);
  await store.create([newJob(1)]);
  const mode = (name: string) => statSync(name).mode & 0o777;
  assert.deepEqual([mode(path), mode(`${path}-wal`), mode(`${path}-shm`)], [0o600, 0o600, 0o600]);
});

test('a file that others could read is made private', async () => {
  const path = files.freshPath();
  writeFileSync(path, '', { mode: 0o644 });
  await files.open(path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('a store of an older version is migrated, and its jobs are found', async () => {
  const path = await filledPath();
  alter(
    path,
    `DROP INDEX job_by_kind; ALTER TABLE job DROP COLUMN kind; DROP INDEX job_to_announce; ALTER TABLE job DROP COLUMN announcements_left;
     DROP INDEX job_by_group; ALTER TABLE job DROP COLUMN group_id; PRAGMA user_version = 1;
     UPDATE job SET record = json_remove(record, '$.submission.groupId', '$.submission.client',
       '$.submission.priority', '$.submission.parentJobId', '$.submission.depth', '$.announce')`,
  );
  const store = await files.open(path);
  const [job] = await store.list({ limit: 1 });
  assert.deepEqual([job?.submission.groupId, job?.submission.priority, job?.submission.depth], [null, 0, 1]);
  assert.deepEqual(await store.list({ groupId: 'g', limit: 1 }), []);
  assert.equal((await store.list({ kind: 'delegate', limit: 1 })).length, 1);
  assert.deepEqual([job?.announce, await store.takeUnannounced()], [false, []]);
});

test('a store of a newer version is refused and left as it is', async () => {
  const path = await filledPath();
  alter(path, 'PRAGMA user_version = 99');
  const before = readFileSync(path);
  const opened = await openSqliteStore(path);
  assert.equal(opened.ok ? 'opened' : opened.fault.code, 'store_newer');
  assert.deepEqual(readFileSync(path), before);
});

test('a newer version is noticed and left as it is when only the log of writes tells it', async () => {
  const path = await filledPath();
  const copy = files.freshPath();
  const database = new DatabaseSync(path);
  database.exec('PRAGMA user_version = 99');
  for (const suffix of ['', '-wal']) copyFileSync(path + suffix, copy + suffix);
  database.close();
  const before = [readFileSync(copy), readFileSync(`${copy}-wal`)];
  const opened = await openSqliteStore(copy);
  assert.equal(opened.ok ? 'opened' : opened.fault.code, 'store_newer');
  assert.deepEqual([readFileSync(copy), readFileSync(`${copy}-wal`)], before);
});

describe('a damaged file', () => {
  const damages: Record<string, (path: string) => void> = {
    'that is no database': (path) => writeFileSync(path, 'no database '.repeat(1_000)),
    'with a zeroed header': (path) => overwrite(path, 0, Buffer.alloc(100)),
    'with a zeroed page in the middle': (path) => overwrite(path, 4_096 * 20, Buffer.alloc(4_096)),
    'that was cut short': (path) => truncateSync(path, Math.floor(statSync(path).size / 2)),
    'that lost all but its log': (path) => {
      writeFileSync(`${path}-wal`, 'log');
      truncateSync(path, 0);
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    test(`${name} is set aside whole, and a fresh store is begun`, async () => {
      const path = await filledPath();
      damage(path);
      const damaged = readFileSync(path);
      const { store, setAside } = await files.openWith(path);
      assert.match(setAside ?? '', /\.damaged-\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      assert.deepEqual(readFileSync(setAside ?? ''), damaged);
      assert.deepEqual(await store.list({ limit: 10 }), []);
      assert.deepEqual(await store.create([newJob(1, { key: 'key 1' })]), { ok: true });
    });
  }

  test('that is too large to be checked whole is set aside when what each start reads is damaged', async () => {
    for (const name of ['job', 'job_unsettled', 'job_to_announce', 'sqlite_sequence']) {
      const path = await filledPath();
      alter(path, 'CREATE TABLE padding (bytes BLOB); INSERT INTO padding VALUES (zeroblob(68000000))');
      const database = new DatabaseSync(path);
      const { page } = database
        .prepare('SELECT rootpage AS page FROM sqlite_schema WHERE name = ?')
        .get(name);
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      database.close();
      overwrite(path, 4_096 * (page - 1), Buffer.alloc(4_096));
      const { store, setAside } = await files.openWith(path);
      assert.notEqual(setAside, null, name);
      rmSync(setAside ?? '');
      assert.equal(await store.lastSequence(), 0);
      assert.deepEqual([await store.unsettled(), await store.takeUnannounced()], [[], []]);
    }
  });

  test('takes its log of writes along', async () => {
    const path = await filledPath();
    writeFileSync(`${path}-wal`, 'log');
    writeFileSync(path, 'no database '.repeat(1_000));
    const { setAside } = await files.openWith(path);
    assert.equal(readFileSync(`${setAside}-wal`, 'utf8'), 'log');
  });

  test('that cannot be set aside is refused, until somebody moves it out', async () => {
    // The longest name that a file may have leaves no room for the ending.
    const path = join(dirname(await filledPath()), 'x'.repeat(245));
    writeFileSync(path, 'no database '.repeat(1_000));
    const opened = await openSqliteStore(path);
    assert.equal(opened.ok ? 'opened' : opened.fault.code, 'store_damaged');
    assert.ok(readdirSync(dirname(path)).includes(basename(path)));
    renameSync(path, join(dirname(path), 'elsewhere'));
    const { setAside } = await files.openWith(path);
    assert.equal(setAside, null);
  });
});

test('a sound file is not set aside, whether it was closed or not', async () => {
  const path = await filledPath();
  const { store, setAside } = await files.openWith(path);
  await store.save(moved(newJob(1).record, 'running'), entryOf('running'));
  const copy = files.freshPath();
  for (const suffix of ['', '-wal']) copyFileSync(path + suffix, copy + suffix);
  const reopened = await files.openWith(copy);
  assert.deepEqual([setAside, reopened.setAside], [null, null]);
  assert.equal((await reopened.store.get(jobId(1)))?.state, 'running');
});

test('a path that cannot be a file is refused as unavailable', async () => {
  const path = files.freshPath();
  mkdirSync(path, { recursive: true });
  const opened = await openSqliteStore(path);
  assert.equal(opened.ok ? 'opened' : opened.fault.code, 'store_unavailable');
});

test('a record that cannot be understood is left out of lists, told of once, and kept', async () => {
  const path = await filledPath();
  alter(path, `UPDATE job SET record = '{"id":"secret"}' WHERE sequence = 299`);
  alter(path, `UPDATE job SET record = 'secret' WHERE sequence = 298`);
  const told: Unreadable[] = [];
  const { store } = await files.openWith(path, (row) => told.push(row));
  const listed = (await store.list({ limit: 3 })).map(({ sequence }) => sequence);
  assert.deepEqual(listed, [300, 297, 296]);
  assert.equal((await store.unsettled()).length, 298);
  await assert.rejects(store.get(jobId(299)), /cannot be read/);
  assert.equal((await store.countByState()).queued, 300);
  assert.equal(await store.task(jobId(299)), 'task 299');
  assert.deepEqual(told.map((row) => row.jobId).toSorted(), [jobId(298), jobId(299)].toSorted());
  assert.doesNotMatch(JSON.stringify(told), /secret/);
});

test('a line of a journal that cannot be understood is left out and told of', async () => {
  const path = await filledPath();
  alter(path, `UPDATE journal SET entry = '{}' WHERE job = 7`);
  const told: Unreadable[] = [];
  const { store } = await files.openWith(path, (row) => told.push(row));
  await store.save(moved(newJob(7).record, 'running'), entryOf('running'));
  assert.deepEqual(await store.journal(jobId(7)), [entryOf('running')]);
  assert.deepEqual(
    told.map((row) => row.jobId),
    [jobId(7)],
  );
});
