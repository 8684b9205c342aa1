import type { Progress, Usage } from '../../machines/job.js';
import type { HostedJob } from '../app-server/messages.js';
import type { Settings } from '../config.js';
import type { ErrorCode, Outcome } from '../errors.js';
import type { Submission } from '../job/record.js';

/**
 * The seam to the program that does a task. A backend says how to launch it and reads what it writes; it
 * starts no process for a job itself. Backends live in the threads.
 */
export interface AgentBackend {
  /**
   * Looks whether a job could run now: nothing is spent and no model is asked. Refuses only what is sure to
   * fail; what cannot be found out is let through and named in `notes`.
   */
  preflight(settings: Settings, signal: AbortSignal): Promise<Outcome<Readiness>>;

  /** Asks what the user's account offers: nothing is spent and no model is asked. Takes seconds at most. */
  account(settings: Settings, signal: AbortSignal): Promise<Outcome<Account>>;

  /**
   * Prepares the private directories and says what to start, or what to ask of a host. Safe to call again for the same
   * job.
   */
  launch(job: LaunchJob, settings: Settings): Promise<Outcome<Launch | HostedLaunch>>;

  /** A reader for one run, from its first byte. */
  reader(): AgentReader;

  /**
   * Takes the threads over that an earlier job left, from its directory to that of a job that goes on from it.
   * False when they are gone. Safe to call again, until the agent is launched.
   */
  adopt(earlierDirectory: string, jobDirectory: string): Promise<boolean>;

  /**
   * What a thread of the job has cost in all, with what earlier jobs spent in it: for an agent that ended before
   * it told. Null where nobody kept account.
   */
  spent(jobDirectory: string, threadId: string): Promise<Usage | null>;

  /** Removes what only a running agent needs from the job's directory; what a later run goes on from stays. */
  tidy(jobDirectory: string): Promise<void>;
}

/** A backend that gives each job a process of its own. */
export interface OwnProcessBackend extends AgentBackend {
  launch(job: LaunchJob, settings: Settings): Promise<Outcome<Launch>>;
}

/** What the preflight found, for `codex_status`. */
export interface Readiness {
  /** Absolute path of the program. */
  program: string;
  version: string | null;
  loggedIn: boolean | null;
  sandbox: boolean | null;
  notes: string[];
}

/** What the user's account offers. */
export interface Account {
  models: {
    model: string;
    /** For people. */
    name: string;
    description: string;
    /** Reasoning efforts that it knows, the least first. */
    efforts: string[];
    defaultEffort: string;
  }[];
  /** Model of a job that names none; null where that is not known. */
  model: string | null;
  /** Reasoning effort of a job that names none. */
  effort: string | null;
  /** Null where the account shows none. */
  limits: RateLimit[] | null;
}

/** How much of a limit is used, in a window of time that moves on. */
export interface RateLimit {
  name: string;
  usedPercent: number;
  windowMinutes: number | null;
  /** Instant at which it is whole again, in milliseconds since the epoch. */
  resetsAt: number | null;
}

export interface LaunchJob {
  jobId: string;
  /** Counted from 1. */
  attempt: number;
  submission: Submission;
  /** Where the agent works: the checkout, or the caller's subdirectory of it. */
  directory: string;
  /** Root of the checkout. */
  worktree: string;
  /** What the agent is to do. */
  task: string;
  /**
   * The conversation of an earlier attempt, in which to go on; null at first. Then the task is what comes next
   * in the thread that the submission continues, or begins a new one.
   */
  threadId: string | null;
  /** The job's private directory, absolute, existing; the backend may make files and folders in it. */
  jobDirectory: string;
}

export interface Launch {
  /** Program and arguments, each exact; no shell is between. */
  command: readonly [string, ...string[]];
  /** What the agent reads on standard input. */
  input: string;
  /** The whole environment of the agent: nothing is inherited. */
  environment: Record<string, string>;
}

/** A job that runs in a process shared with others, its host. */
export interface HostedLaunch {
  /** Hosts of one kind are alike; a job may go to any of them. Letters and digits. */
  hostKind: string;
  /** Prepares a host in its directory, absolute and existing, and says how to start it. */
  launchHost(directory: string): Promise<Outcome<Launch>>;
  /** What the host is told. */
  job: Omit<HostedJob, 'jobId' | 'files' | 'directory' | 'deadlineAt'>;
}

/** Reads the agent's output, line by line, and tells in the end how the run went. */
export interface AgentReader {
  /** Takes one line of standard output, without its line break. Tolerates anything. `at` is its instant. */
  line(line: string, at: number): void;

  progress(): Progress;

  /** True while the agent may be silent for good reason, for example while a command of its runs. */
  mayBeSilent(): boolean;

  /** True once the agent has told how its turn went: it has nothing left to do but to end. */
  turnHasEnded(): boolean;

  /** What the agent said last, as it stands; null when it said nothing, or more than 256 KiB. */
  lastMessage(): string | null;

  /** How the run went, once the agent has ended. */
  conclude(exit: AgentExit): AgentConclusion;
}

export interface AgentExit {
  /** Exit status as a shell tells it: 128 + signal for a signal; null when the agent vanished without one. */
  status: number | null;
  /** The last 64 KiB of standard error. */
  stderr: string;
}

/** Why a run failed. */
export interface AgentFailure {
  code: ErrorCode;
  message: string;
  /** Instant from which another attempt may succeed, where the model tells one; milliseconds since the epoch. */
  resetAt?: number;
}

export interface AgentConclusion {
  /** Null when the turn was completed. */
  failure: AgentFailure | null;
  summary: string | null;
  threadId: string | null;
  usage: Usage | null;
  warnings: string[];
}
