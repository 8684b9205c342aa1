import type { MessagePort } from 'node:worker_threads';
import type { DiffOutput, JobState, Progress, RunOutput, WorktreeOutput } from '../../machines/job.js';
import type { Account, Readiness } from '../agents/agent.js';
import type { Outcome } from '../errors.js';
import type { Preview } from '../git/preview.js';
import type { Submission } from '../job/record.js';

/** What each stage is given and gives back. All of it crosses threads by structured clone. */
export interface Stages {
  worktree: { input: WorktreeTask; output: WorktreeOutput };
  run: { input: RunTask; output: RunOutput };
  diff: { input: DiffTask; output: DiffOutput };
  leftovers: { input: Record<never, never>; output: string[] };
  reconcile: { input: ReconcileTask; output: null };
  announce: { input: AnnounceTask; output: string | null };
  preflight: { input: Record<never, never>; output: Outcome<Readiness> };
  preview: { input: PreviewTask; output: Outcome<Preview> };
  account: { input: Record<never, never>; output: Outcome<Account> };
}

export type StageName = keyof Stages;

export interface WorktreeTask {
  jobId: string;
  submission: Submission;
  stopping: boolean;
}

export interface PreviewTask {
  submission: Pick<Submission, 'workspaceRoot' | 'baseRef' | 'includeUntracked'>;
}

export interface RunTask extends WorktreeTask {
  /** Counted from 1. */
  attempt: number;
  /** The conversation in which the agent goes on; null at first. */
  threadId: string | null;
  /** What the agent is to do. */
  task: string;
  /** Root of the checkout. */
  worktree: string;
  /** What it started from; null for an empty directory. */
  baselineCommit: string | null;
  /** Instant at which the agent is stopped, with or without a daemon. */
  deadlineAt: number;
}

export interface DiffTask {
  jobId: string;
  submission: Submission;
  /** How many attempts there were. */
  attempts: number;
  baselineCommit: string | null;
  /** What is known of the agent. */
  progress: Progress;
}

/** What is told of a job that has ended. */
export interface AnnounceTask {
  jobId: string;
  state: JobState;
  label: string | null;
  groupId: string | null;
}

export interface ReconcileTask {
  /** Jobs whose slots and processes go. */
  overJobIds: string[];
}

/** One call of a stage, as Piscina carries it to a thread. */
export interface StageCall<Name extends StageName = StageName> {
  stage: Name;
  input: Stages[Name]['input'];
  port: MessagePort;
}

/** What a stage answers. One that throws has a bug: that is told too, so that only a dead thread answers nothing. */
export type StageAnswer<Name extends StageName> =
  | { kind: 'output'; output: Stages[Name]['output'] }
  | { kind: 'broken'; message: string };

/** From the daemon to a stage: end your work. Never Piscina's own signal, which ends the thread. */
export interface StopMessage {
  type: 'stop';
}

/** From a stage to the daemon, at most every 200 ms. */
export interface ProgressMessage {
  type: 'progress';
  progress: Progress;
}

/** From a stage to the daemon, at its end. */
export interface AnswerMessage<Name extends StageName> {
  type: 'answer';
  answer: StageAnswer<Name>;
}
