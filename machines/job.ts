import { assign, fromPromise, setup } from 'xstate';

/** Why a job did not end as `done`. The first cause recorded wins; later ones change nothing. */
export interface Ending {
  kind: 'failed' | 'cancelled' | 'expired';
  /** Stable code from the error table. */
  code: string;
  message: string;
}

/** The private checkout that the worktree stage made. */
export interface Worktree {
  /** Absolute path of the checkout's root. */
  path: string;
  /**
   * Commit the checkout started from; it holds the caller's uncommitted tracked changes. Null for an empty
   * directory, in which a question is answered that is about no repository.
   */
  baselineCommit: string | null;
  warnings: string[];
}

/** Tokens that the agent reports for this job alone. */
export interface Usage {
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  reasoningOutputTokens: number;
}

/** What is known of the agent while it runs. */
export interface Progress {
  /** Events read from the agent so far. */
  events: number;
  /** Instant of the last event, in milliseconds since the epoch. */
  lastEventAt: number | null;
  /** One line for people: what the agent does now. */
  activity: string | null;
  usage: Usage | null;
}

/** How strongly the agent's processes are held: a PID namespace, or a process group with a sweep. */
export type Containment = 'namespace' | 'group';

/** What the run stage learned from a finished agent. */
export interface RunReport {
  exitCode: number | null;
  /** The agent's last message. */
  summary: string | null;
  /** The agent's own id for the conversation, with which it can be resumed. */
  threadId: string | null;
  usage: Usage | null;
  containment: Containment;
  warnings: string[];
}

/** A run that failed in a way that passes, and was followed by another. */
export interface FailedAttempt {
  /** Counted from 1. */
  attempt: number;
  code: string;
  message: string;
  /** How long the job waited, in milliseconds, before its agent went on. */
  retryAfterMs: number;
}

/** The patch kept as an artifact; its bytes and its file list are files beside the store. */
export interface PatchReport {
  bytes: number;
  sha256: string;
  files: number;
  added: number;
  removed: number;
  warnings: string[];
  /** In a sentence, what it could not hold; absent where it holds all. */
  leftOut?: string | undefined;
}

export interface StageFailure {
  ok: false;
  code: string;
  message: string;
}

export interface StageInput {
  jobId: string;
  /** The job's ending is already recorded: a stage entered again must only stop what still runs. */
  stopping: boolean;
}

export interface RunInput extends StageInput {
  /** Counted from 1. */
  attempt: number;
  /** The conversation of the attempt before, in which the agent goes on; null at first. */
  threadId: string | null;
}

export interface DiffInput {
  jobId: string;
  /** Null when no checkout was finished: then there is nothing to capture, only leftovers to remove. */
  baselineCommit: string | null;
}

export type WorktreeOutput = { ok: true; worktree: Worktree } | StageFailure;
/** A failed run still reports what it learned: usage and thread are paid for. */
export interface RunFailure extends StageFailure {
  run: RunReport | null;
  /** Set when the failure is of a kind that passes and another attempt is allowed. */
  retryAfterMs: number | null;
}

export type RunOutput = { ok: true; run: RunReport } | RunFailure;
/** A patch that could not hold all of the work is kept all the same. */
export interface DiffFailure extends StageFailure {
  patch: PatchReport | null;
}

/** `patch` is null where none is taken: without a checkout, and of work that only reads. */
export type DiffOutput = { ok: true; patch: PatchReport | null } | DiffFailure;

export interface JobContext {
  jobId: string;
  ending: Ending | null;
  worktree: Worktree | null;
  progress: Progress;
  run: RunReport | null;
  /** Which attempt at the task this is, counted from 1. */
  attempt: number;
  /** The attempts before it. */
  failedAttempts: FailedAttempt[];
  patch: PatchReport | null;
  /** Times that the current stage was entered again because its thread died. */
  lostThreads: number;
}

export type JobEvent =
  /** Admission has a permit for the job. */
  | { type: 'job.admitted' }
  /** Somebody asked for the job to end. */
  | { type: 'job.cancel'; message: string }
  /** The instant until which the job may wait, or run, has passed. */
  | { type: 'job.deadline'; message: string }
  /** The instant has come at which a failed attempt is followed by the next. */
  | { type: 'job.retry' }
  /** The daemon started again: enter the current stage once more. */
  | { type: 'job.resumed' }
  /** What the agent has done so far, or what its capture waits for. */
  | { type: 'run.progress'; progress: Progress };

export interface JobInput {
  jobId: string;
}

/** Rejection of a stage whose thread died; the work itself may go on, so the stage is entered again. */
export class ThreadLost extends Error {
  override readonly name = 'ThreadLost';
}

/** A thread that dies this often under one job is no accident. */
const MAX_LOST_THREADS = 3;

const notProvided = (name: string) => (): never => {
  throw new Error(`The actor or action "${name}" must be provided.`);
};

/** An ending is recorded once: a later cause leaves the first as it is. */
const firstCause = (
  context: JobContext,
  kind: Ending['kind'],
  cause: { code: string; message: string },
): Ending => context.ending ?? { kind, code: cause.code, message: cause.message };

export const jobMachine = setup({
  types: {
    context: {} as JobContext,
    events: {} as JobEvent,
    input: {} as JobInput,
    tags: {} as 'waiting' | 'working' | 'settled',
  },
  actors: {
    worktree: fromPromise<WorktreeOutput, StageInput>(notProvided('worktree')),
    run: fromPromise<RunOutput, RunInput>(notProvided('run')),
    diff: fromPromise<DiffOutput, DiffInput>(notProvided('diff')),
  },
  actions: {
    stopStage: notProvided('stopStage'),
    recordCancel: assign({
      ending: ({ context }, message: string) =>
        firstCause(context, 'cancelled', { code: 'cancelled', message }),
    }),
    recordDeadline: assign({
      ending: ({ context }, cause: { code: string; message: string }) =>
        firstCause(context, 'expired', cause),
    }),
    recordBrokenStage: assign({
      ending: ({ context }, message: string) =>
        firstCause(context, 'failed', { code: 'internal_error', message }),
      lostThreads: 0,
    }),
    recordWorktree: assign(({ context }, output: WorktreeOutput) => ({
      lostThreads: 0,
      ...(output.ok ? { worktree: output.worktree } : { ending: firstCause(context, 'failed', output) }),
    })),
    recordRun: assign({
      // A failed attempt may not tell the usage; what an earlier one told still stands.
      run: ({ context }, { run }: RunOutput) =>
        run === null ? context.run : { ...run, usage: run.usage ?? context.run?.usage ?? null },
      lostThreads: 0,
    }),
    recordRunFailure: assign({
      ending: ({ context }, output: RunOutput) =>
        output.ok ? context.ending : firstCause(context, 'failed', output),
    }),
    recordFailedAttempt: assign({
      failedAttempts: ({ context }, output: RunOutput) =>
        output.ok || output.retryAfterMs === null
          ? context.failedAttempts
          : [
              ...context.failedAttempts,
              {
                attempt: context.attempt,
                code: output.code,
                message: output.message,
                retryAfterMs: output.retryAfterMs,
              },
            ],
    }),
    countAttempt: assign({ attempt: ({ context }) => context.attempt + 1 }),
    recordPatch: assign(({ context }, output: DiffOutput) => ({
      patch: output.patch,
      ...(output.ok ? {} : { ending: firstCause(context, 'failed', output) }),
    })),
    recordProgress: assign({ progress: (_, progress: Progress) => progress }),
    countLostThread: assign({ lostThreads: ({ context }) => context.lostThreads + 1 }),
  },
  guards: {
    hasEnding: ({ context }) => context.ending !== null,
    wasCancelled: ({ context }) => context.ending?.kind === 'cancelled',
    hasExpired: ({ context }) => context.ending?.kind === 'expired',
    mayTryAgain: ({ context }, output: RunOutput) =>
      context.ending === null && !output.ok && output.retryAfterMs !== null,
    succeeded: (_, output: { ok: boolean }) => output.ok,
    endedWell: ({ context }, output: { ok: boolean }) => output.ok && context.ending === null,
    threadLost: ({ context }, failure: { error: unknown }) =>
      failure.error instanceof ThreadLost && context.lostThreads < MAX_LOST_THREADS,
  },
}).createMachine({
  id: 'job',
  description:
    'One task and its fate: from the queue, through a throwaway worktree, to a patch or, for work that only reads, to an answer.',
  context: ({ input }) => ({
    jobId: input.jobId,
    ending: null,
    worktree: null,
    progress: { events: 0, lastEventAt: null, activity: null, usage: null },
    run: null,
    attempt: 1,
    failedAttempts: [],
    patch: null,
    lostThreads: 0,
  }),
  initial: 'active',
  states: {
    active: {
      description: 'The job has not settled. What settles it leaves this state for good.',
      initial: 'queued',
      states: {
        queued: {
          description: 'Accepted and durable; waits for admission under the limits. Nothing is spent yet.',
          tags: 'waiting',
          on: {
            'job.admitted': { target: 'worktree' },
            'job.cancel': {
              target: '#job.cancelled',
              actions: { type: 'recordCancel', params: ({ event }) => event.message },
            },
            'job.deadline': {
              target: '#job.expired',
              actions: {
                type: 'recordDeadline',
                params: ({ event }) => ({ code: 'queue_deadline_passed', message: event.message }),
              },
            },
          },
        },
        worktree: {
          description: 'A private checkout of the baseline is made. A stop is honoured when the stage ends.',
          tags: 'working',
          invoke: {
            src: 'worktree',
            input: ({ context }) => ({ jobId: context.jobId, stopping: context.ending !== null }),
            onDone: [
              {
                guard: 'hasEnding',
                target: 'diffing',
                actions: { type: 'recordWorktree', params: ({ event }) => event.output },
              },
              {
                guard: { type: 'succeeded', params: ({ event }) => event.output },
                target: 'running',
                actions: { type: 'recordWorktree', params: ({ event }) => event.output },
              },
              {
                target: 'diffing',
                actions: { type: 'recordWorktree', params: ({ event }) => event.output },
              },
            ],
            onError: [
              {
                guard: { type: 'threadLost', params: ({ event }) => ({ error: event.error }) },
                target: 'worktree',
                reenter: true,
                actions: 'countLostThread',
              },
              {
                target: 'diffing',
                actions: { type: 'recordBrokenStage', params: 'The worktree stage broke.' },
              },
            ],
          },
          on: {
            'job.cancel': {
              actions: [{ type: 'recordCancel', params: ({ event }) => event.message }, 'stopStage'],
            },
            'job.deadline': {
              actions: [
                {
                  type: 'recordDeadline',
                  params: ({ event }) => ({ code: 'deadline_passed', message: event.message }),
                },
                'stopStage',
              ],
            },
            'job.resumed': { target: 'worktree', reenter: true },
          },
        },
        running: {
          description:
            'The agent works in its worktree, or only reads there. However it ends, what it changed is captured next.',
          tags: 'working',
          invoke: {
            src: 'run',
            input: ({ context }) => ({
              jobId: context.jobId,
              stopping: context.ending !== null,
              attempt: context.attempt,
              threadId: context.run?.threadId ?? null,
            }),
            onDone: [
              {
                guard: { type: 'mayTryAgain', params: ({ event }) => event.output },
                target: 'retrying',
                actions: [
                  { type: 'recordRun', params: ({ event }) => event.output },
                  { type: 'recordFailedAttempt', params: ({ event }) => event.output },
                ],
              },
              {
                target: 'diffing',
                actions: [
                  { type: 'recordRun', params: ({ event }) => event.output },
                  { type: 'recordRunFailure', params: ({ event }) => event.output },
                ],
              },
            ],
            onError: [
              {
                guard: { type: 'threadLost', params: ({ event }) => ({ error: event.error }) },
                target: 'running',
                reenter: true,
                actions: 'countLostThread',
              },
              {
                target: 'diffing',
                actions: { type: 'recordBrokenStage', params: 'The run stage broke.' },
              },
            ],
          },
          on: {
            'run.progress': {
              actions: { type: 'recordProgress', params: ({ event }) => event.progress },
            },
            'job.cancel': {
              actions: [{ type: 'recordCancel', params: ({ event }) => event.message }, 'stopStage'],
            },
            'job.deadline': {
              actions: [
                {
                  type: 'recordDeadline',
                  params: ({ event }) => ({ code: 'deadline_passed', message: event.message }),
                },
                'stopStage',
              ],
            },
            'job.resumed': { target: 'running', reenter: true },
          },
        },
        retrying: {
          description:
            'The attempt failed in a way that passes; the agent goes on in the same worktree later.',
          tags: 'waiting',
          on: {
            'job.retry': { target: 'running', actions: 'countAttempt' },
            'job.cancel': {
              target: 'diffing',
              actions: { type: 'recordCancel', params: ({ event }) => event.message },
            },
            'job.deadline': {
              target: 'diffing',
              actions: {
                type: 'recordDeadline',
                params: ({ event }) => ({ code: 'deadline_passed', message: event.message }),
              },
            },
          },
        },
        diffing: {
          description:
            'The patch from baseline to result is captured, then the worktree is removed. Of a consult or a review nothing is captured: its worktree is only removed.',
          tags: 'working',
          invoke: {
            src: 'diff',
            input: ({ context }) => ({
              jobId: context.jobId,
              baselineCommit: context.worktree?.baselineCommit ?? null,
            }),
            onDone: [
              {
                guard: 'wasCancelled',
                target: '#job.cancelled',
                actions: { type: 'recordPatch', params: ({ event }) => event.output },
              },
              {
                guard: 'hasExpired',
                target: '#job.expired',
                actions: { type: 'recordPatch', params: ({ event }) => event.output },
              },
              {
                guard: { type: 'endedWell', params: ({ event }) => event.output },
                target: '#job.done',
                actions: { type: 'recordPatch', params: ({ event }) => event.output },
              },
              {
                target: '#job.failed',
                actions: { type: 'recordPatch', params: ({ event }) => event.output },
              },
            ],
            onError: [
              {
                guard: { type: 'threadLost', params: ({ event }) => ({ error: event.error }) },
                target: 'diffing',
                reenter: true,
                actions: 'countLostThread',
              },
              { guard: 'wasCancelled', target: '#job.cancelled' },
              { guard: 'hasExpired', target: '#job.expired' },
              {
                target: '#job.failed',
                actions: { type: 'recordBrokenStage', params: 'The diff stage broke.' },
              },
            ],
          },
          on: {
            'run.progress': {
              actions: { type: 'recordProgress', params: ({ event }) => event.progress },
            },
            // It ends a wait for room alone, never the capture.
            'job.cancel': {
              actions: [{ type: 'recordCancel', params: ({ event }) => event.message }, 'stopStage'],
            },
            'job.resumed': { target: 'diffing', reenter: true },
          },
        },
      },
    },
    done: {
      description: 'The agent finished its turn; its patch, or its answer, is kept.',
      tags: 'settled',
      type: 'final',
    },
    failed: {
      description: 'Something broke; the cause and the patch so far are kept.',
      tags: 'settled',
      type: 'final',
    },
    cancelled: {
      description: 'Somebody ended the job; the patch so far is kept.',
      tags: 'settled',
      type: 'final',
    },
    expired: {
      description: 'An instant passed, of the queue or of the run; the patch so far is kept.',
      tags: 'settled',
      type: 'final',
    },
  },
});

/** The leaf that a job is in: what the store keeps and every tool shows. */
export type JobState =
  | 'queued'
  | 'worktree'
  | 'running'
  | 'retrying'
  | 'diffing'
  | 'done'
  | 'failed'
  | 'cancelled'
  | 'expired';
