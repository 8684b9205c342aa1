import type { JobState, Usage } from '../../machines/job.js';
import type { JobKind } from '../job/record.js';

/** One sample of the swarm, taken every few seconds. */
export interface Sample {
  /** An instant, like every time here: milliseconds since the epoch. */
  at: number;
  queued: number;
  /** Jobs that hold a permit. */
  working: number;
  /** Jobs that ended since the sample before. */
  done: number;
  /** The same, in every other way than `done`. */
  notDone: number;
}

/** An event that a job's machine took, and the state it was in afterwards. */
export interface Step {
  at: number;
  event: string;
  state: JobState;
}

/** What may be told of a job to anybody: states, events, instants and counts. */
export interface JobFigures {
  id: string;
  /** Order of acceptance. */
  sequence: number;
  kind: JobKind;
  state: JobState;
  /** How it will end, once that is decided; how it ended, once it has. */
  ending: 'failed' | 'cancelled' | 'expired' | null;
  errorCode: string | null;
  /** When each state was entered, last time. */
  entered: Partial<Record<JobState, number>>;
  attempt: number;
  deadlineAt: number | null;
  retryAt: number | null;
  queuePosition: number | null;
  /** Events of its agent so far. */
  events: number;
  lastEventAt: number | null;
  usage: Usage | null;
  patch: { bytes: number; files: number; added: number; removed: number } | null;
  backend: string;
}

/** What only a viewer with a token is told of a job. */
export interface JobWords {
  label: string | null;
  /** The directory the caller named; empty for a question about no repository. */
  workspaceRoot: string;
  /** Jobs that belong together. */
  groupId: string | null;
  /** What the agent does now, in one line. */
  activity: string | null;
}

export type JobRow = JobFigures & JobWords;

/** What changed since the frame before. The first frames after the opening hold every job. */
export interface Frame {
  kind: 'frame';
  at: number;
  counts: Record<JobState, number>;
  jobs: { row: JobRow; steps: readonly Step[] }[];
  /** Jobs that were deleted. */
  gone: string[];
  /** More frames follow: not every job was told of yet, or not everything that changed. */
  more: boolean;
}

/** The first thing a viewer is sent: all that does not change while the daemon lives. */
export interface Opening {
  kind: 'opening';
  at: number;
  version: string;
  startedAt: number;
  /** The job machine's configuration, as JSON. */
  definition: string;
  limits: { running: number; runningPerRepository: number; queued: number };
  /** Jobs beyond this number, the oldest settled ones, are not told of. */
  mostJobs: number;
  history: readonly Sample[];
}
