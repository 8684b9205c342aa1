import { join } from 'node:path';

/** Where everything lies below the state directory (mode 0700). */
export interface StateLayout {
  /** SQLite database whose exclusive lock makes a daemon the only one of its state directory. */
  lock: string;
  store: string;
  log: string;
  /** One directory a job: `JobLayout`. */
  jobs: string;
  /** One file a job that is being removed. */
  removals: string;
  /** One directory a host of jobs: `ProcessLayout`. */
  hosts: string;
  /** One named pipe a PID namespace, held open while an agent lives that was started from there. */
  namespaces: string;
  /** One directory a repository, with the slots that its jobs work in. */
  repositories: string;
}

export const stateLayout = (stateDir: string): StateLayout => ({
  lock: join(stateDir, 'daemon.lock'),
  store: join(stateDir, 'jobs.sqlite'),
  log: join(stateDir, 'logs', 'daemon.log'),
  jobs: join(stateDir, 'jobs'),
  removals: join(stateDir, 'removals'),
  hosts: join(stateDir, 'hosts'),
  namespaces: join(stateDir, 'namespaces'),
  repositories: join(stateDir, 'repositories'),
});

/** The files of one job. They outlive the daemon; a settled job keeps only its artifacts. */
export interface JobLayout {
  directory: string;
  /** The agent's `TMPDIR`. */
  temporary: string;
  /** There while a stage has git work on the slot. */
  atWork: string;
  /** Artifact: the exact bytes from baseline to result. */
  patch: string;
  /** Artifact: what may be shown of a patch that holds secrets; missing where nothing is withheld. */
  shownPatch: string;
  /** Artifact: size and hash of the shown patch, JSON. */
  patchView: string;
  /** Artifact: the patch's file list, JSON. */
  files: string;
  /** Artifact: an object directory of git with what the baseline added to the caller's; missing where that is nothing. */
  baseline: string;
  /** Artifact of a consult or a review: `KeptAnswer`, JSON. */
  answer: string;
  /** Artifacts of a review: the changes as the agent is given them, and the `Coverage`, JSON. */
  changes: string;
  coverage: string;
}

export function jobLayout(stateDir: string, jobId: string): JobLayout {
  const directory = join(stateLayout(stateDir).jobs, jobId);
  return {
    directory,
    temporary: join(directory, 'tmp'),
    atWork: join(directory, 'at-work'),
    patch: join(directory, 'patch'),
    shownPatch: join(directory, 'patch.shown'),
    patchView: join(directory, 'patch.view'),
    files: join(directory, 'files.json'),
    baseline: join(directory, 'baseline'),
    answer: join(directory, 'answer.json'),
    changes: join(directory, 'changes'),
    coverage: join(directory, 'coverage.json'),
  };
}

/** The files of one supervised process: of an attempt at a job's task, or of a host. */
export interface ProcessLayout {
  directory: string;
  /** What the program reads on standard input. */
  prompt: string;
  stdout: string;
  stderr: string;
  /** Its exit status, once it has ended; whole with the line break at its end. */
  exit: string;
  /** Who runs it: pid, start time, boot. Whole with the line break at its end. */
  process: string;
  /** There once a start was tried: making it is the claim to start it. */
  claim: string;
  /** What the start said, if it went wrong. */
  launch: string;
}

export function processLayout(directory: string): ProcessLayout {
  return {
    directory,
    prompt: join(directory, 'prompt'),
    stdout: join(directory, 'stdout'),
    stderr: join(directory, 'stderr'),
    exit: join(directory, 'exit'),
    process: join(directory, 'process'),
    claim: join(directory, 'claim'),
    launch: join(directory, 'launch'),
  };
}

/** `attempt` is counted from 1. */
export function attemptLayout(stateDir: string, jobId: string, attempt: number): ProcessLayout {
  return processLayout(join(stateLayout(stateDir).jobs, jobId, 'attempts', String(attempt)));
}
