import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { JOB_MARKER } from '../job-marker.js';
import { isDead, readStat, readText, sendSignal } from './proc.js';

/** A process whose environment may be read. */
interface LivingProcess {
  pid: number;
  environment: string;
  /** The job it carries the marker of; null for any other process. */
  jobId: string | null;
}

const marker = new RegExp(`(?:^|\\0)${JOB_MARKER}=([^\\0]+)`);

/**
 * Ends every process that carries the job's marker in its environment: what left the process group. Looks
 * again until a round finds nothing, because a process may fork while it is looked for.
 */
export async function sweep(jobId: string): Promise<void> {
  await endAll((marked) => marked.jobId === jobId);
}

/**
 * Ends the processes of jobs, or of hosts, that `isStray` tells. Only of those whose files are in `directory`: other
 * daemons have jobs of their own on this machine.
 */
export async function killStrays(directory: string, isStray: (jobId: string) => boolean): Promise<void> {
  await endAll((living) => isIn(directory, living) && isStray(living.jobId));
}

const isIn = (directory: string, living: LivingProcess): living is LivingProcess & { jobId: string } =>
  living.jobId !== null && living.environment.includes(`${join(directory, living.jobId)}/`);

/** Ids of the jobs that `killStrays` would ask for. */
export const jobsWithProcesses = (directory: string): string[] =>
  [...livingProcesses()].flatMap((living) => (isIn(directory, living) ? [living.jobId] : []));

/** Ids of the living processes that carry the job's marker. Empty where there is no /proc. */
export function findMarked(jobId: string): number[] {
  return [...livingProcesses()].filter((marked) => marked.jobId === jobId).map(({ pid }) => pid);
}

/**
 * Ends the git that an earlier call of a stage left at work on a slot, when its thread or its daemon died. To be
 * called while no git and no agent of this daemon's works there.
 */
export async function endWorkOn(slot: string): Promise<void> {
  await endAll(({ environment }) => environment.includes(`=${slot}/`));
}

/** Killed processes are gone within milliseconds, unless the machine is in trouble; forks are outrun in a few rounds. */
const SWEEP_MS = 2_000;
const BETWEEN_ROUNDS_MS = 5;
/** In a single one, a process may have forked and ended after the list was read, or be between two programs. */
const EMPTY_ROUNDS = 2;

async function endAll(which: (process: LivingProcess) => boolean): Promise<void> {
  const until = performance.now() + SWEEP_MS;
  let emptyRounds = 0;
  while (emptyRounds < EMPTY_ROUNDS && performance.now() < until) {
    let found = 0;
    for (const living of livingProcesses()) {
      if (!which(living)) continue;
      found += 1;
      // At once, not when all are known: what forks and ends is somebody else by then.
      sendSignal(living.pid, 'SIGKILL');
    }
    emptyRounds = found === 0 ? emptyRounds + 1 : 0;
    await delay(BETWEEN_ROUNDS_MS);
  }
}

/**
 * One after the other, as they are asked for. The newest first: what forks on and ends is caught before it is
 * somebody else. Throws where /proc cannot be listed although it is there.
 */
function* livingProcesses(): Generator<LivingProcess> {
  const pids = processIds().filter((pid) => pid > 1 && pid !== process.pid);
  for (const pid of pids.sort((a, b) => b - a)) {
    const environment = readText(`/proc/${pid}/environ`) ?? '';
    if (environment === '' || isDead(readStat(pid) ?? ') X ')) continue;
    yield { pid, environment, jobId: marker.exec(environment)?.[1] ?? null };
  }
}

function processIds(): number[] {
  try {
    return readdirSync('/proc').map(Number);
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw problem;
  }
}
