import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import type { z } from 'zod';
import type { JobState } from '../../machines/job.js';
import { type JobRecord, type JournalEntry, jobRecord, jobStates, journalEntry } from '../job/record.js';
import type { Answer, StoreCall, Unreadable } from './sqlite-messages.js';
import { UNSETTLED } from './sqlite-schema.js';
import type { Created, KnownKey, ListFilter, NewJob, Store } from './store.js';

/** Records that go to the main thread at once: about a millisecond of its time. */
const PAGE = 250;

/** The calls of the store, each within whatever transaction is open. */
export type JobTables = {
  [Call in Exclude<StoreCall, 'unsettled'>]: (...parameters: Parameters<Store[Call]>) => Answer<Call>;
} & {
  /** What was unsettled at the time of the call, in pages that are read from JSON one by one. */
  unsettled(): Iterable<JobRecord[]>;
};

interface RecordRow {
  id: string;
  record: string;
}

/**
 * Text that callers choose, as it is stored: in JSON, because the driver cuts text at a NUL and replaces lone
 * surrogates, so that two keys could become one.
 */
const whole = (text: string): string => JSON.stringify(text);
const wholeOrNull = (text: string | null): string | null => (text === null ? null : whole(text));

export function createJobTables(
  database: DatabaseSyncInstance,
  onUnreadable: (row: Unreadable) => void,
): JobTables {
  const statement = memoize((sql) => database.prepare(sql));
  const reported = new Set<string>();

  /** What the JSON holds; null, reported once, when it does not fit its schema. */
  const parse = <Schema extends z.ZodType>(schema: Schema, jobId: string, json: string) => {
    const parsed = readJson(schema, json);
    if (parsed.ok) return parsed.value;
    if (!reported.has(jobId)) onUnreadable({ jobId, problem: parsed.problem });
    reported.add(jobId);
    return null;
  };

  const readable = (rows: readonly RecordRow[]): JobRecord[] =>
    rows.map(({ id, record }) => parse(jobRecord, id, record)).filter((record) => record !== null);

  const sequenceOf = (id: string): number | undefined =>
    statement('SELECT sequence FROM job WHERE id = ?').get(id)?.sequence;

  const isStored = ({ id, sequence }: JobRecord) => sequenceOf(id) === sequence;

  /** A job that is stored already is a call made again after its answer was lost; its own key is no hindrance. */
  const knownKey = ({ record, argumentsHash }: NewJob): KnownKey | null => {
    const key = record.submission.idempotencyKey;
    if (key === null) return null;
    const row = statement('SELECT * FROM idempotency_key WHERE key = ?').get(whole(key));
    if (row === undefined || (row.job_id === record.id && isStored(record))) return null;
    return {
      jobId: row.job_id,
      sameArguments: row.arguments_hash === argumentsHash,
      gone: row.keep_until !== null,
    };
  };

  const insert = ({ record, task, argumentsHash, entry }: NewJob): void => {
    const { id, sequence, state, submission, expiresAt } = record;
    const key = wholeOrNull(submission.idempotencyKey);
    statement('INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
      sequence,
      id,
      state,
      whole(submission.repository),
      wholeOrNull(submission.label),
      key,
      expiresAt,
      JSON.stringify(record),
      wholeOrNull(submission.groupId),
    );
    statement('INSERT INTO task VALUES (?, ?)').run(sequence, whole(task));
    addToJournal(sequence, entry);
    if (key === null) return;
    statement('INSERT INTO idempotency_key VALUES (?, ?, ?, NULL)').run(key, id, argumentsHash);
  };

  const addToJournal = (sequence: number, entry: JournalEntry): void => {
    statement('INSERT INTO journal (job, entry) VALUES (?, ?)').run(sequence, JSON.stringify(entry));
  };

  return {
    create(jobs): Created {
      const known = jobs.map(knownKey);
      if (known.some((key) => key !== null)) return { ok: false, known };
      for (const job of jobs.filter(({ record }) => !isStored(record))) insert(job);
      return { ok: true };
    },

    save(record, entry) {
      const row = statement(
        `UPDATE job SET state = ?, expires_at = ?, record = ? WHERE id = ? AND ${UNSETTLED} RETURNING sequence`,
      ).get(record.state, record.expiresAt, JSON.stringify(record), record.id);
      if (row === undefined) return false;
      addToJournal(row.sequence, entry);
      return true;
    },

    get(id) {
      const row = statement('SELECT record FROM job WHERE id = ?').get(id);
      if (row === undefined) return null;
      const record = parse(jobRecord, id, row.record);
      // Null would say that there is no such job, and it is there.
      if (record === null) throw new Error('the record of the job cannot be read');
      return record;
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
        .map(({ entry }) => parse(journalEntry, id, entry))
        .filter((entry) => entry !== null);
    },

    list(filter) {
      const { conditions, values } = conditionsOf(filter);
      const sql = `SELECT id, record FROM job WHERE ${conditions} ORDER BY sequence DESC`;
      const records: JobRecord[] = [];
      // Without a LIMIT: an unreadable row must not make a page short, which would read as the end.
      for (const row of statement(sql).iterate(...values)) {
        if (records.length >= filter.limit) break;
        records.push(...readable([row]));
      }
      return records;
    },

    unsettled() {
      const sql = `SELECT id, record FROM job WHERE ${UNSETTLED} ORDER BY sequence`;
      const rows: RecordRow[] = statement(sql).all();
      return (function* () {
        for (let start = 0; start < rows.length; start += PAGE)
          yield readable(rows.slice(start, start + PAGE));
      })();
    },

    expired(now, limit) {
      const sql = `SELECT id FROM job WHERE expires_at <= ? AND NOT (${UNSETTLED})
                   ORDER BY expires_at, sequence LIMIT ?`;
      return statement(sql)
        .all(now, limit)
        .map(({ id }) => id);
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
      const rows = statement('SELECT state, count(*) AS count FROM job GROUP BY state').all();
      const counted = rows.map(({ state, count }) => [state, count]);
      const none = jobStates.map((state) => [state, 0]);
      return Object.fromEntries([...none, ...counted]) as Record<JobState, number>;
    },

    lastSequence() {
      return statement("SELECT seq FROM sqlite_sequence WHERE name = 'job'").get()?.seq ?? 0;
    },
  };
}

/** The conditions of a list in SQL, with the values for their question marks. */
function conditionsOf({ repository, state, label, groupId, before }: ListFilter) {
  const given = [
    ['repository = ?', repository === undefined ? undefined : whole(repository)],
    ['state = ?', state],
    ['label = ?', label === undefined ? undefined : whole(label)],
    ['group_id = ?', groupId === undefined ? undefined : whole(groupId)],
    ['sequence < ?', before],
  ].filter(([, value]) => value !== undefined);
  return {
    conditions: given.map(([condition]) => condition).join(' AND ') || 'true',
    values: given.map(([, value]) => value),
  };
}

function readJson<Schema extends z.ZodType>(
  schema: Schema,
  json: string,
): { ok: true; value: z.infer<Schema> } | { ok: false; problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { ok: false, problem: 'not JSON' };
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const issue = parsed.error.issues[0];
  return { ok: false, problem: `${issue?.path.join('.')}: ${issue?.code}` };
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
