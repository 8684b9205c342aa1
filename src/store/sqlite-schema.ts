import type { DatabaseSyncInstance } from '@photostructure/sqlite';

/** Condition of the rows that have not settled. The index below holds it word for word, or SQLite passes it by. */
export const UNSETTLED = "state NOT IN ('done', 'failed', 'cancelled', 'expired')";

/**
 * Each step leads from the version that is its index to the next. A step that was released never changes.
 *
 * Version 1. `record` and `entry` are JSON; the other columns repeat what is searched by. A list filters within
 * an index and reads only the records that it answers with. `AUTOINCREMENT` keeps the highest sequence ever
 * given, removed or not. A key outlives its job until `keep_until`, which is null as long as the job is there.
 *
 * Version 2. Jobs have groups; those from before have none.
 *
 * Version 3. `announcements_left` counts how many more daemons may tell of a settled job.
 *
 * Version 4. Jobs are found by their kind; those from before there were kinds are delegations.
 */
const migrations: readonly string[] = [
  `CREATE TABLE job (
     sequence INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     state TEXT NOT NULL,
     repository TEXT NOT NULL,
     label TEXT,
     idempotency_key TEXT,
     expires_at INTEGER,
     record TEXT NOT NULL
   ) STRICT;
   CREATE INDEX job_unsettled ON job (sequence) WHERE ${UNSETTLED};
   CREATE INDEX job_by_state ON job (state, sequence, repository, label);
   CREATE INDEX job_by_repository ON job (repository, sequence, state, label);
   CREATE INDEX job_by_label ON job (label, sequence, state, repository) WHERE label IS NOT NULL;
   CREATE INDEX job_by_expiry ON job (expires_at, sequence) WHERE expires_at IS NOT NULL;

   CREATE TABLE task (
     job INTEGER PRIMARY KEY REFERENCES job ON DELETE CASCADE,
     text TEXT NOT NULL
   ) STRICT;

   CREATE TABLE journal (
     number INTEGER PRIMARY KEY,
     job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
     entry TEXT NOT NULL
   ) STRICT;
   CREATE INDEX journal_by_job ON journal (job);

   CREATE TABLE idempotency_key (
     key TEXT PRIMARY KEY,
     job_id TEXT NOT NULL,
     arguments_hash TEXT NOT NULL,
     keep_until INTEGER
   ) STRICT;
   CREATE INDEX key_by_keep_until ON idempotency_key (keep_until) WHERE keep_until IS NOT NULL;`,
  `ALTER TABLE job ADD COLUMN group_id TEXT;
   CREATE INDEX job_by_group ON job (group_id, sequence, state, repository) WHERE group_id IS NOT NULL;`,
  `ALTER TABLE job ADD COLUMN announcements_left INTEGER NOT NULL DEFAULT 0;
   CREATE INDEX job_to_announce ON job (sequence) WHERE announcements_left > 0;`,
  `ALTER TABLE job ADD COLUMN kind TEXT NOT NULL DEFAULT 'delegate';
   UPDATE job SET kind = coalesce(json_extract(record, '$.submission.kind'), kind) WHERE json_valid(record);
   CREATE INDEX job_by_kind ON job (kind, sequence);`,
];

export const SCHEMA_VERSION = migrations.length;

/** The version of the schema in the file; 0 for an empty one. */
export function schemaVersion(database: DatabaseSyncInstance): number {
  return database.prepare('PRAGMA user_version').get().user_version;
}

/** Brings the file to `SCHEMA_VERSION`, each step in a transaction of its own. */
export function migrate(database: DatabaseSyncInstance): void {
  for (let version = schemaVersion(database); version < SCHEMA_VERSION; version += 1) {
    database.exec(`BEGIN IMMEDIATE; ${migrations[version]} PRAGMA user_version = ${version + 1}; COMMIT`);
  }
}
