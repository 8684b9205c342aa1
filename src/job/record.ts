import { z } from 'zod';
import type { JobContext, JobState, PatchReport } from '../../machines/job.js';

/** An instant: milliseconds since the epoch. */
const instant = z.number().int();

export const jobStates = [
  'queued',
  'worktree',
  'running',
  'retrying',
  'diffing',
  'done',
  'failed',
  'cancelled',
  'expired',
] as const satisfies readonly JobState[];

export const settledStates = [
  'done',
  'failed',
  'cancelled',
  'expired',
] as const satisfies readonly JobState[];

export type SettledState = (typeof settledStates)[number];

export const isSettled = (state: JobState): state is SettledState =>
  (settledStates as readonly JobState[]).includes(state);

const usage = z.object({
  inputTokens: z.number(),
  cachedInputTokens: z.number(),
  outputTokens: z.number(),
  reasoningOutputTokens: z.number(),
});

export const patchReport = z.object({
  bytes: z.number().int(),
  sha256: z.string(),
  files: z.number().int(),
  added: z.number().int(),
  removed: z.number().int(),
  warnings: z.array(z.string()),
  leftOut: z.string().optional(),
}) satisfies z.ZodType<PatchReport>;

const context = z.object({
  jobId: z.string(),
  ending: z
    .object({ kind: z.enum(['failed', 'cancelled', 'expired']), code: z.string(), message: z.string() })
    .nullable(),
  worktree: z
    .object({ path: z.string(), baselineCommit: z.string().nullable(), warnings: z.array(z.string()) })
    .nullable(),
  progress: z.object({
    events: z.number().int(),
    lastEventAt: instant.nullable(),
    activity: z.string().nullable(),
    usage: usage.nullable(),
  }),
  run: z
    .object({
      exitCode: z.number().int().nullable(),
      summary: z.string().nullable(),
      threadId: z.string().nullable(),
      usage: usage.nullable(),
      containment: z.enum(['namespace', 'group']),
      warnings: z.array(z.string()),
    })
    .nullable(),
  attempt: z.number().int(),
  failedAttempts: z.array(
    z.object({
      attempt: z.number().int(),
      code: z.string(),
      message: z.string(),
      retryAfterMs: z.number(),
    }),
  ),
  patch: patchReport.nullable(),
  lostThreads: z.number().int(),
}) satisfies z.ZodType<JobContext>;

/** What a follow-up takes over from an earlier job, whose record may be gone when it starts. */
const continuation = z.object({
  jobId: z.string(),
  baselineCommit: z.string(),
  patch: z.object({ bytes: z.number().int(), sha256: z.string() }),
  /** Null where the agent has no threads. */
  threadId: z.string().nullable(),
  /** Tokens that all jobs before spent in the thread; null where nobody told. */
  threadUsage: usage.nullable(),
});

export type Continuation = z.infer<typeof continuation>;

/** Kinds of work. A delegate changes files and leaves a patch; the others only read, and leave an answer. */
export const jobKinds = ['delegate', 'consult', 'review'] as const;

export type JobKind = (typeof jobKinds)[number];

export const reviewScopes = ['working_tree', 'branch', 'commit'] as const;

/** Which changes are reviewed. */
const review = z.object({
  scope: z.enum(reviewScopes),
  /** The branch that HEAD is held against, or the commit; null for the working tree. */
  ref: z.string().nullable(),
  /** Files and directories, relative to the root of the working tree; empty for all. */
  paths: z.array(z.string()),
});

/** What a client asked for, without the task's text: that stays in the store until the job starts. */
// What came with later versions has a default, so that records of earlier ones can still be read.
const submission = z.object({
  kind: z.enum(jobKinds).default('delegate'),
  /** Null unless the job is a review. */
  review: review.nullable().default(null),
  /** The directory the caller named, real path; '' for a question about no repository. */
  workspaceRoot: z.string(),
  /** That directory relative to the root of its working tree; '' at the root. */
  subdirectory: z.string(),
  /** The repository's common git directory, real path: what the limit per repository counts by; '' for none. */
  repository: z.string(),
  /** `auto` until the job starts. */
  backend: z.enum(['codex-exec', 'codex-app-server', 'auto', 'command']),
  model: z.string().nullable(),
  reasoningEffort: z.string().nullable(),
  isolation: z.enum(['inherit', 'ignore-config', 'ignore-rules']),
  /** Profile of the user's Codex configuration. */
  profile: z.string().nullable().default(null),
  /** More settings for Codex, `KEY=VALUE` each, of those that a client may set. */
  extraSettings: z.array(z.string()).default([]),
  baseRef: z.string().nullable(),
  /** The earlier job that this one goes on from; null for a job that begins anew. */
  continues: continuation.nullable().default(null),
  /** Jobs that were accepted before there was a choice started without untracked files. */
  includeUntracked: z.boolean().default(false),
  label: z.string().nullable(),
  /** Jobs that belong together. */
  groupId: z.string().nullable().default(null),
  /** Who asked: clients take turns, and have limits of their own. */
  client: z.string().default(''),
  /** Order among the jobs of one client: higher first. */
  priority: z.number().int().default(0),
  /** The job whose agent asked for this one; null when a person or a client did. */
  parentJobId: z.string().nullable().default(null),
  /** 1 for a job that no other job's agent asked for, else one more than that of its parent. */
  depth: z.number().int().default(1),
  idempotencyKey: z.string().nullable(),
  /** How long the job may take once it left the queue, in seconds. */
  deadlineSeconds: z.number().int().positive(),
  /** UTF-8 bytes of the task. */
  taskBytes: z.number().int(),
});

/** All that is kept of a job beside its task, its journal and its artifacts. */
export const jobRecord = z.object({
  /** 32 lower-case hexadecimal digits. */
  id: z.string(),
  /** Order of acceptance, unique and rising: the order of the queue, and of lists. */
  sequence: z.number().int(),
  state: z.enum(jobStates),
  context,
  submission,
  /** Instant at which each state was entered, last time. */
  entered: z.partialRecord(z.enum(jobStates), instant),
  /**
   * From when on the job rises in the queue: its acceptance, or, where the clock was put back, that of a job before
   * it. Null in records of earlier versions.
   */
  risesFrom: instant.nullable().default(null),
  /** Until when the job may wait in the queue. */
  queueDeadlineAt: instant,
  /** Until when the job may run; null while it is queued. */
  deadlineAt: instant.nullable(),
  /** When the next attempt begins; null unless the job is retrying. */
  retryAt: instant.nullable(),
  /** When a settled job is pruned; null before. */
  expiresAt: instant.nullable(),
  /** Whether the end of a settled job is to be told to the user's command or URL; false before. */
  announce: z.boolean().default(false),
});

export type JobRecord = z.infer<typeof jobRecord>;
export type Submission = z.infer<typeof submission>;

/** One line of a job's journal: a transition, with its reason and its instant. */
export const journalEntry = z.object({
  at: instant,
  /** The state entered. */
  state: z.enum(jobStates),
  /** The event that led there, for example `job.admitted`. */
  event: z.string(),
  /** Why, in a sentence, where the event alone does not tell. */
  reason: z.string().nullable(),
});

export type JournalEntry = z.infer<typeof journalEntry>;
