import type { JobState } from '../../machines/job.js';
import type { JobKind, JobRecord, JournalEntry } from '../job/record.js';

/** So many daemons that start go on with an announcement that others left: one that ends them has an end itself. */
export const ANNOUNCING_DAEMONS = 3;

/**
 * Where jobs are kept. Two implementations, SQLite and memory, pass one conformance suite.
 *
 * Every promise that resolves means: durable, a process killed in the next instant loses nothing of it.
 * Calls take effect in the order in which they were made. A promise rejects only when the store itself is
 * broken (disk full, file gone); whoever called may call again with the same arguments.
 */
export interface Store {
  /**
   * Accepts new jobs, all or none. A job whose idempotency key is already known is not created: the answer
   * at its place names the job that the key started, whether the arguments were the same, and whether that
   * job is still there. If any of `jobs` is answered `known`, none of the others is created either.
   */
  create(jobs: readonly NewJob[]): Promise<Created>;

  /**
   * Records a transition. Refused (`false`, nothing written) when the stored job has settled or is gone:
   * a job settles once.
   */
  save(record: JobRecord, entry: JournalEntry): Promise<boolean>;

  /** Null when there is no such job. */
  get(id: string): Promise<JobRecord | null>;

  /** Id of the job that an idempotency key started, there or gone; null for a key that is not known. */
  startedBy(key: string): Promise<string | null>;

  /** The task's text, or null when there is no such job. */
  task(id: string): Promise<string | null>;

  /** The journal of a job, oldest first. */
  journal(id: string): Promise<JournalEntry[]>;

  /** Newest first (by `sequence`), at most `limit`, only those with `sequence < before` if it is given. */
  list(filter: ListFilter): Promise<JobRecord[]>;

  /** Every job that has not settled, oldest first. */
  unsettled(): Promise<JobRecord[]>;

  /** Ids of settled jobs whose `expiresAt` is at or before `now`, at most `limit`. */
  expired(now: number, limit: number): Promise<string[]>;

  /**
   * Settled jobs whose record says `announce` and of which `announced` has not heard, in the order of `sequence`.
   * Each is answered by as many calls as `ANNOUNCING_DAEMONS`, and by none after them.
   */
  takeUnannounced(): Promise<JobRecord[]>;

  /** The end of the job was told, or that was given up. */
  announced(id: string): Promise<void>;

  /**
   * Deletes a settled job with its task and journal. Its idempotency key stays known until `keepKeyUntil`,
   * so that a repeated submission is refused, not paid for again. False if there is no such settled job.
   */
  remove(id: string, keepKeyUntil: number): Promise<boolean>;

  /** Forgets idempotency keys of removed jobs that were to be kept until `now` or earlier. */
  forgetKeys(now: number): Promise<void>;

  /** How many jobs are in each state; a state without jobs is 0. */
  countByState(): Promise<Record<JobState, number>>;

  /** The highest `sequence` ever given, 0 if none; never lower after jobs were removed. */
  lastSequence(): Promise<number>;

  /** Commits what is pending and closes. Idempotent. */
  close(): Promise<void>;
}

export interface NewJob {
  record: JobRecord;
  task: string;
  /** Identity of the arguments behind the idempotency key; ignored without a key. */
  argumentsHash: string;
  entry: JournalEntry;
}

export type Created = { ok: true } | { ok: false; known: readonly (KnownKey | null)[] };

/** What an idempotency key that was used before stands for. */
export interface KnownKey {
  jobId: string;
  sameArguments: boolean;
  /** The job was removed since. */
  gone: boolean;
}

export interface ListFilter {
  repository?: string;
  state?: JobState;
  kind?: JobKind;
  label?: string;
  groupId?: string;
  limit: number;
  before?: number;
}
