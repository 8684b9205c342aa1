import type { JobState } from '../../machines/job.js';
import { isSettled, type JobRecord, type JournalEntry, jobStates } from '../job/record.js';
import {
  ANNOUNCING_DAEMONS,
  type Created,
  type KnownKey,
  type ListFilter,
  type NewJob,
  type Store,
} from './store.js';

interface StoredJob {
  record: JobRecord;
  /** As it was accepted: what jobs are found by does not change with their record. */
  accepted: Readonly<JobRecord['submission']>;
  task: string;
  journal: JournalEntry[];
  /** How many more calls of `takeUnannounced` answer the job. */
  announcementsLeft: number;
}

interface StoredKey {
  jobId: string;
  argumentsHash: string;
  /** Null as long as the job is there. */
  keepUntil: number | null;
}

/** All that is kept is plain data, and this is many times as quick as `structuredClone`. */
function copy<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copy) as T;
  const copied: Record<string, unknown> = {};
  for (const key in value) copied[key] = copy(value[key]);
  return copied as T;
}

/** A store that lives as long as its process. What goes in and out is copied, as it is through a file. */
export function createMemoryStore(): Store {
  const jobs = new Map<string, StoredJob>();
  const keys = new Map<string, StoredKey>();
  const sequences = new Set<number>();
  let lastSequence = 0;
  let closed = false;

  const assertOpen = () => {
    if (closed) throw new Error('The store is closed.');
  };

  /** Runs a call at once, so that calls take effect in the order in which they were made. */
  const call = async <Answer>(body: () => Answer): Promise<Answer> => {
    assertOpen();
    return copy(body());
  };

  const isStored = ({ id, sequence }: JobRecord) => jobs.get(id)?.record.sequence === sequence;

  const knownKey = ({ record, argumentsHash }: NewJob): KnownKey | null => {
    const key = record.submission.idempotencyKey;
    const known = key === null ? undefined : keys.get(key);
    if (known === undefined || (known.jobId === record.id && isStored(record))) return null;
    return {
      jobId: known.jobId,
      sameArguments: known.argumentsHash === argumentsHash,
      gone: known.keepUntil !== null,
    };
  };

  /** SQLite refuses these by its constraints, before anything is kept. */
  const assertDistinct = (fresh: readonly NewJob[]) => {
    const records = fresh.map(({ record }) => record);
    const freshKeys = records.flatMap(({ submission }) => submission.idempotencyKey ?? []);
    const lists = [records.map(({ id }) => id), records.map(({ sequence }) => sequence), freshKeys];
    const doubled = lists.some((values) => new Set<unknown>(values).size < values.length);
    const taken = records.some(({ id, sequence }) => jobs.has(id) || sequences.has(sequence));
    if (doubled || taken) throw new Error('Two jobs are not distinct.');
  };

  const create = (newJobs: readonly NewJob[]): Created => {
    const known = newJobs.map(knownKey);
    if (known.some((key) => key !== null)) return { ok: false, known };
    const fresh = newJobs.filter(({ record }) => !isStored(record));
    assertDistinct(fresh);
    for (const { record, task, argumentsHash, entry } of copy(fresh)) {
      const key = record.submission.idempotencyKey;
      jobs.set(record.id, {
        record,
        accepted: record.submission,
        task,
        journal: [entry],
        announcementsLeft: 0,
      });
      sequences.add(record.sequence);
      if (key !== null) keys.set(key, { jobId: record.id, argumentsHash, keepUntil: null });
      lastSequence = Math.max(lastSequence, record.sequence);
    }
    return { ok: true };
  };

  const save = (record: JobRecord, entry: JournalEntry): boolean => {
    const stored = jobs.get(record.id);
    if (stored === undefined || isSettled(stored.record.state)) return false;
    stored.record = copy(record);
    stored.journal.push(copy(entry));
    if (record.announce) stored.announcementsLeft = ANNOUNCING_DAEMONS;
    return true;
  };

  const remove = (id: string, keepKeyUntil: number): boolean => {
    const stored = jobs.get(id);
    if (stored === undefined || !isSettled(stored.record.state)) return false;
    jobs.delete(id);
    sequences.delete(stored.record.sequence);
    const key = keys.get(stored.accepted.idempotencyKey ?? '');
    if (key?.jobId === id) key.keepUntil = keepKeyUntil;
    return true;
  };

  const forgetKeys = (now: number): void => {
    for (const [key, { keepUntil }] of keys) {
      if (keepUntil !== null && keepUntil <= now) keys.delete(key);
    }
  };

  const inOrder = () => [...jobs.values()].sort((one, other) => one.record.sequence - other.record.sequence);
  const oldestFirst = () => inOrder().map(({ record }) => record);

  const list = ({ repository, state, kind, label, groupId, before, limit }: ListFilter): JobRecord[] =>
    inOrder()
      .reverse()
      .filter(({ accepted }) => repository === undefined || accepted.repository === repository)
      .filter(({ record }) => state === undefined || record.state === state)
      .filter(({ accepted }) => kind === undefined || accepted.kind === kind)
      .filter(({ accepted }) => label === undefined || accepted.label === label)
      .filter(({ accepted }) => groupId === undefined || accepted.groupId === groupId)
      .filter(({ record }) => before === undefined || record.sequence < before)
      .slice(0, limit)
      .map(({ record }) => record);

  const expired = (now: number, limit: number): string[] =>
    oldestFirst()
      .filter(({ state, expiresAt }) => isSettled(state) && expiresAt !== null && expiresAt <= now)
      .sort((one, other) => Number(one.expiresAt) - Number(other.expiresAt))
      .slice(0, limit)
      .map(({ id }) => id);

  const takeUnannounced = (): JobRecord[] => {
    const left = [...jobs.values()].filter(({ announcementsLeft }) => announcementsLeft > 0);
    for (const stored of left) stored.announcementsLeft -= 1;
    return left.map(({ record }) => record).sort((one, other) => one.sequence - other.sequence);
  };

  const announced = (id: string): void => {
    const stored = jobs.get(id);
    if (stored !== undefined) stored.announcementsLeft = 0;
  };

  const countByState = (): Record<JobState, number> => {
    const counts = Object.fromEntries(jobStates.map((state) => [state, 0])) as Record<JobState, number>;
    for (const { record } of jobs.values()) counts[record.state] += 1;
    return counts;
  };

  return {
    create: (newJobs) => call(() => create(newJobs)),
    save: (record, entry) => call(() => save(record, entry)),
    get: (id) => call(() => jobs.get(id)?.record ?? null),
    startedBy: (key) => call(() => keys.get(key)?.jobId ?? null),
    task: (id) => call(() => jobs.get(id)?.task ?? null),
    journal: (id) => call(() => jobs.get(id)?.journal ?? []),
    list: (filter) => call(() => list(filter)),
    unsettled: () => call(() => oldestFirst().filter(({ state }) => !isSettled(state))),
    expired: (now, limit) => call(() => expired(now, limit)),
    takeUnannounced: () => call(takeUnannounced),
    announced: (id) => call(() => announced(id)),
    remove: (id, keepKeyUntil) => call(() => remove(id, keepKeyUntil)),
    forgetKeys: (now) => call(() => forgetKeys(now)),
    countByState: () => call(countByState),
    lastSequence: () => call(() => lastSequence),
    close: async () => {
      closed = true;
    },
  };
}
