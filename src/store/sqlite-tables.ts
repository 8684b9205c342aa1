import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { JobState } from '../../machines/job.js';
import type { NewJobRow, RecordRow, SavedRow } from './sqlite-rows.js';
import { UNSETTLED } from './sqlite-schema.js';
import { ANNOUNCING_DAEMONS, type Created, type KnownKey, type ListFilter } from './store.js';

/** Records that go to the main thread at once: one or two milliseconds of its time. */
const PAGE = 250;

/** The calls of the store on rows, each within whatever transaction is open. */
export interface JobTables {
  create(jobs: readonly NewJobRow[]): Created;
  save(job: SavedRow, entry: string): boolean;
  get(id: string): RecordRow | null;
  startedBy(key: string): string | null;
  task(id: string): string | null;
  journal(id: string): string[];
  list(filter: ListFilter): RecordRow[];
  /** What is committed and unsettled when the first page is read, in pages. */
  unsettled(): Iterable<RecordRow[]>;
  expired(now: number, limit: number): string[];
  takeUnannounced(): RecordRow[];
  announced(id: string): void;
  remove(id: string, keepKeyUntil: number): boolean;
  forgetKeys(now: number): void;
  /** States without jobs are left out. */
  countByState(): { state: JobState; count: number }[];
  lastSequence(): number;
}

/**
 * Text that callers choose, as it is stored: in JSON, because the driver cuts text at a NUL and replaces lone
 * surrogates, so that two keys could become one.
 */
const whole = (text: string): string => JSON.stringify(text);
const wholeOrNull = (text: string | null): string | null => (text === null ? null : whole(text));

/** `openReader` opens another connection, for what is read while others go on. */
export function createJobTables(
  database: DatabaseSyncInstance,
  openReader: () => DatabaseSyncInstance,
): JobTables {
  const statement = memoize((sql) => database.prepare(sql));

  const sequenceOf = (id: string): number | undefined =>
    statement('SELECT sequence FROM job WHERE id = ?').get(id)?.sequence;

  const isStored = ({ id, sequence }: NewJobRow) => sequenceOf(id) === sequence;

  /** A job that is stored already is a call made again after its answer was lost; its own key is no hindrance. */
  const knownKey = (job: NewJobRow): KnownKey | null => {
    if (job.idempotencyKey === null) return null;
    const row = statement('SELECT * FROM idempotency_key WHERE key = ?').get(whole(job.idempotencyKey));
    if (row === undefined || (row.job_id === job.id && isStored(job))) return null;
    return {
      jobId: row.job_id,
      sameArguments: row.arguments_hash === job.argumentsHash,
      gone: row.keep_until !== null,
    };
  };

  const insert = (job: NewJobRow): void => {
    const key = wholeOrNull(job.idempotencyKey);
    statement('INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)').run(
      job.sequence,
      job.id,
      job.state,
      whole(job.repository),
      wholeOrNull(job.label),
      key,
      job.expiresAt,
      job.record,
      wholeOrNull(job.groupId),
      job.kind,
    );
    statement('INSERT INTO task VALUES (?, ?)').run(job.sequence, whole(job.task));
    addToJournal(job.sequence, job.entry);
    if (key === null) return;
    statement('INSERT INTO idempotency_key VALUES (?, ?, ?, NULL)').run(key, job.id, job.argumentsHash);
  };

  const addToJournal = (sequence: number, entry: string): void => {
    statement('INSERT INTO journal (job, entry) VALUES (?, ?)').run(sequence, entry);
  };

  return {
    create(jobs): Created {
      const known = jobs.map(knownKey);
      if (known.some((key) => key !== null)) return { ok: false, known };
      for (const job of jobs.filter((each) => !isStored(each))) insert(job);
      return { ok: true };
    },

    save({ sequence, id, state, expiresAt, announce, record }, entry) {
      const { changes } = statement(
        `UPDATE job SET state = ?, expires_at = ?, announcements_left = ?, record = ?
         WHERE sequence = ? AND id = ? AND ${UNSETTLED}`,
      ).run(state, expiresAt, announce ? ANNOUNCING_DAEMONS : 0, record, sequence, id);
      if (changes === 0) return false;
      addToJournal(sequence, entry);
      return true;
    },

    get(id) {
      return statement('SELECT sequence, id, record FROM job WHERE id = ?').get(id) ?? null;
    },

    startedBy(key) {
      return statement('SELECT job_id FROM idempotency_key WHERE key = ?').get(whole(key))?.job_id ?? null;
    },

    task(id) {
      const row = statement('SELECT text FROM task WHERE job = (SELECT sequence FROM job WHERE id = ?)').get(
        id,
      );
      return row === undefined ? null : JSON.parse(row.text);
    },

    journal(id) {
      const sequence = sequenceOf(id);
      if (sequence === undefined) return [];
      return statement('SELECT entry FROM journal WHERE job = ? ORDER BY number')
        .all(sequence)
        .map(({ entry }) => entry);
    },

    list(filter) {
      const { conditions, values } = conditionsOf(filter);
      const sql = `SELECT sequence, id, record FROM job WHERE ${conditions} ORDER BY sequence DESC LIMIT ?`;
      return statement(sql).all(...values, filter.limit);
    },

    *unsettled() {
      const reader = openReader();
      try {
        // All pages are of one instant.
        reader.exec('BEGIN');
        const page = reader.prepare(
          `SELECT sequence, id, record FROM job WHERE sequence > ? AND ${UNSETTLED} ORDER BY sequence LIMIT ${PAGE}`,
        );
        for (let rows: RecordRow[] = page.all(0); rows.length > 0; rows = page.all(rows.at(-1)?.sequence))
          yield rows;
      } finally {
        reader.close();
      }
    },

    expired(now, limit) {
      const sql = `SELECT id FROM job WHERE expires_at <= ? AND NOT (${UNSETTLED})
                   ORDER BY expires_at, sequence LIMIT ?`;
      return statement(sql)
        .all(now, limit)
        .map(({ id }) => id);
    },

    takeUnannounced() {
      const sql = `UPDATE job SET announcements_left = announcements_left - 1 WHERE announcements_left > 0
                   RETURNING sequence, id, record`;
      return statement(sql)
        .all()
        .sort((one, other) => one.sequence - other.sequence);
    },

    announced(id) {
      statement('UPDATE job SET announcements_left = 0 WHERE id = ?').run(id);
    },

    remove(id, keepKeyUntil) {
      // Task and journal go with the row, by their foreign keys.
      const row = statement(
        `DELETE FROM job WHERE id = ? AND NOT (${UNSETTLED}) RETURNING idempotency_key AS key`,
      ).get(id);
      if (row === undefined) return false;
      statement('UPDATE idempotency_key SET keep_until = ? WHERE key = ?').run(keepKeyUntil, row.key);
      return true;
    },

    forgetKeys(now) {
      statement('DELETE FROM idempotency_key WHERE keep_until <= ?').run(now);
    },

    countByState() {
      return statement('SELECT state, count(*) AS count FROM job GROUP BY state').all();
    },

    lastSequence() {
      return statement("SELECT seq FROM sqlite_sequence WHERE name = 'job'").get()?.seq ?? 0;
    },
  };
}

/** The conditions of a list in SQL, with the values for their question marks. */
function conditionsOf({ repository, state, kind, label, groupId, before }: ListFilter) {
  const given = [
    ['repository = ?', repository === undefined ? undefined : whole(repository)],
    ['state = ?', state],
    ['kind = ?', kind],
    ['label = ?', label === undefined ? undefined : whole(label)],
    ['group_id = ?', groupId === undefined ? undefined : whole(groupId)],
    ['sequence < ?', before],
  ].filter(([, value]) => value !== undefined);
  return {
    conditions: given.map(([condition]) => condition).join(' AND ') || 'true',
    values: given.map(([, value]) => value),
  };
}

/** Statements are prepared once; there are as many as texts in this file, and one a shape of filter. */
function memoize(prepare: (sql: string) => StatementSyncInstance): typeof prepare {
  const prepared = new Map<string, StatementSyncInstance>();
  return (sql) => {
    const statement = prepared.get(sql) ?? prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };
}
