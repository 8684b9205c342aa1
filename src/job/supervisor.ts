import type { JobState } from '../../machines/job.js';
import type { Outcome } from '../errors.js';
import type { ListFilter } from '../store/store.js';
import type { JobRecord, JournalEntry, Submission } from './record.js';

/**
 * Holds the job actors. Whoever calls sends events to machines and reads their snapshots; nothing here waits
 * for git, for an agent or for a disk, except for the commit that makes a change durable.
 */
export interface Supervisor {
  /** Accepts jobs, all or none; the answer comes once they are durable. Known idempotency keys answer their job. */
  submit(requests: readonly SubmitRequest[]): Promise<Outcome<JobView[]>>;
  /** What is durable of a job, with the live progress of its agent; null if there is no such job. */
  look(jobId: string): Promise<JobView | null>;
  /** Id of the job that an idempotency key started, there or gone; null for a key that is not known. */
  startedBy(key: string): Promise<string | null>;
  /** The place in the queue that a job would get now: 1 for the next to be admitted. */
  nextPlace(submission: Pick<Submission, 'client' | 'priority'>): number;
  /** Whether the queue has room for a job now; refuses with `queue_full`. */
  roomFor(submission: Pick<Submission, 'repository' | 'client'>): Outcome<null>;
  /**
   * The place in the queue that a job has now: 1 for the next to be admitted; null unless its record says that it is
   * queued.
   */
  position(record: JobRecord): number | null;
  /** Newest first. */
  list(filter: ListFilter): Promise<JobView[]>;
  journal(jobId: string): Promise<JournalEntry[]>;
  /**
   * Asks a job to end, and with it the jobs that its agent asked for. The request is durable when the answer comes; a
   * running agent is then being stopped. A settled job stays as it is. Null if there is no such job. Rejects when the
   * supervisor is closed meanwhile.
   */
  cancel(jobId: string, message: string): Promise<JobView | null>;
  /**
   * Resolves when any, or all, of the jobs have settled or are gone, when `signal` aborts, or after `milliseconds` if
   * they are given; true when they have. Never rejects.
   */
  settled(
    jobIds: readonly string[],
    mode: 'any' | 'all',
    signal: AbortSignal,
    milliseconds?: number,
  ): Promise<boolean>;
  /** Calls back on each durable transition and on live progress of these jobs, until the returned function is called. */
  follow(jobIds: readonly string[], listener: (view: JobView) => void): () => void;
  /** The same for every job, until the returned function is called. */
  subscribe(listener: (view: JobView) => void): () => void;
  /** Has an inspector watch every job from now on, until the returned function is called. */
  inspect(inspector: Inspector): () => void;
  /**
   * Deletes a settled job and its artifacts, but those that a follow-up has yet to take over, which go when it has.
   * False if there is no such settled job.
   */
  remove(jobId: string): Promise<boolean>;
  /** True while a follow-up has yet to take over files of the job, which may itself be gone. */
  holdsFiles(jobId: string): boolean;
  countByState(): Promise<Record<JobState, number>>;
  /** True while there is such a job that has not settled. */
  isUnsettled(jobId: string): boolean;
  /** Ids of the jobs that have not settled. */
  unsettledIds(): string[];
  /** True when every job has settled. */
  isIdle(): boolean;
  /** True once a drain was asked for: nothing new is accepted. */
  isDraining(): boolean;
  /** Admits nothing more and resolves when no job has an agent or a worktree any more; queued jobs stay queued. */
  drain(): Promise<void>;
  /** Stops at once: agents that run go on without us, and the next supervisor takes them up. */
  close(): void;
}

/** Watches the jobs. It is called in the middle of their work, so it must be quick, and must not throw. */
export interface Inspector {
  /** Jobs were accepted; queued jobs have no actor that could tell of them. */
  accepted(views: readonly JobView[]): void;
  /**
   * A job's actor took an event, by its name, and is in `state` now, which may not be durable yet. `at` is the instant
   * that the job's record has of it.
   */
  took(jobId: string, event: string, state: JobState, at: number): void;
  /** A job and its artifacts were deleted. */
  removed(jobId: string): void;
}

export interface SubmitRequest {
  task: string;
  /** The supervisor finds the depth. */
  submission: Omit<Submission, 'depth'>;
  /** Identity of everything the caller passed: the same idempotency key must come with the same hash. */
  argumentsHash: string;
}

export interface JobView {
  record: JobRecord;
  /** 1 for the next job to be admitted; null unless the job is queued. */
  queuePosition: number | null;
  /** True when the answer to a submission names a job that an earlier submission started. */
  replayed: boolean;
}
