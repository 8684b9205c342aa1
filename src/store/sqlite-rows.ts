import type { z } from 'zod';
import { type JobRecord, type JournalEntry, jobRecord, journalEntry } from '../job/record.js';
import type { NewJob } from './store.js';

/**
 * What crosses between the main thread and the store's: records and journal entries as JSON, because text
 * crosses at a third of the cost of objects. It is written and read, and checked, on the main thread.
 */
export interface RecordRow {
  sequence: number;
  id: string;
  record: string;
}

/** A transition: the record, and those of its members that are searched by. */
export interface SavedRow {
  sequence: number;
  id: string;
  state: string;
  expiresAt: number | null;
  announce: boolean;
  record: string;
}

export interface NewJobRow extends SavedRow {
  repository: string;
  kind: string;
  label: string | null;
  groupId: string | null;
  idempotencyKey: string | null;
  task: string;
  argumentsHash: string;
  entry: string;
}

/** A row that is kept although it cannot be understood. */
export interface Unreadable {
  jobId: string;
  /** Where and how it does not fit; holds no value of the row. */
  problem: string;
}

export const savedRow = (record: JobRecord): SavedRow => ({
  sequence: record.sequence,
  id: record.id,
  state: record.state,
  expiresAt: record.expiresAt,
  announce: record.announce,
  record: JSON.stringify(record),
});

export function newJobRow({ record, task, argumentsHash, entry }: NewJob): NewJobRow {
  const { repository, kind, label, groupId, idempotencyKey } = record.submission;
  return {
    ...savedRow(record),
    repository,
    kind,
    label,
    groupId,
    idempotencyKey,
    task,
    argumentsHash,
    entry: JSON.stringify(entry),
  };
}

/** Reads rows against their schemas; tells once of each job with one that does not fit, and leaves that out. */
export function rowReader(onUnreadable: (row: Unreadable) => void) {
  const reported = new Set<string>();

  const read = <Schema extends z.ZodType>(schema: Schema, jobId: string, json: string) => {
    const parsed = readJson(schema, json);
    if (parsed.ok) return [parsed.value];
    if (!reported.has(jobId)) onUnreadable({ jobId, problem: parsed.problem });
    reported.add(jobId);
    return [];
  };

  return {
    records: (rows: readonly RecordRow[]): JobRecord[] =>
      rows.flatMap(({ id, record }) => read(jobRecord, id, record)),
    journal: (jobId: string, entries: readonly string[]): JournalEntry[] =>
      entries.flatMap((entry) => read(journalEntry, jobId, entry)),
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
