import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';

/** Processor time that a process has used so far, in milliseconds. Linux alone tells it. */
export interface ProcessorTime {
  /** All threads of the process that are alive. */
  own: number;
  /** Its first thread. */
  main: number;
  /** Children that ended and were waited for, with theirs; in steps of 10 ms. */
  children: number;
}

/** Clock ticks of /proc/PID/stat a second: 100 on every Linux that Node runs on. */
const TICK_MS = 10;

export function processorTime(pid: number): ProcessorTime {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return {
    own: tasks.reduce((sum, task) => sum + runTime(`/proc/${pid}/task/${task}/schedstat`), 0),
    main: runTime(`/proc/${pid}/task/${pid}/schedstat`),
    children: childrenTime(pid),
  };
}

export const childrenTime = (pid: number): number => timeOf(pid, 16);
const ownTime = (pid: number): number => timeOf(pid, 14);

/** Two fields of /proc/PID/stat (proc(5)), user and system; the name in field 2 may hold anything, so count behind it. */
function timeOf(pid: number, firstField: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[firstField - 3]) + Number(fields[firstField - 2])) * TICK_MS;
}

/** The first number of schedstat is the time spent on a processor, in nanoseconds. */
function runTime(path: string): number {
  try {
    return Number(readFileSync(path, 'latin1').split(' ')[0]) / 1e6;
  } catch {
    // The thread ended between the listing and the look.
    return 0;
  }
}

export interface Memory {
  residentMB: number;
  /** Memory shared with other processes counted in parts. */
  proportionalMB: number;
}

export async function memoryOf(pid: number): Promise<Memory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1');
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]);
  return { residentMB: kilobytes('Rss') / 1024, proportionalMB: kilobytes('Pss') / 1024 };
}

/** What processes need together. */
export interface Cost {
  /** In proportional shares: memory that several of them share counts once. */
  memoryMB: number;
  /** Used so far, with their children that have ended; in steps of 10 ms a process. */
  processorMs: number;
}

/** The sum over processes; one that has ended counts nothing. */
export async function costOf(pids: readonly number[]): Promise<Cost> {
  const cost: Cost = { memoryMB: 0, processorMs: 0 };
  for (const pid of pids) {
    const memory = await memoryOf(pid).catch(() => null);
    if (memory === null) continue;
    cost.memoryMB += memory.proportionalMB;
    cost.processorMs += ownTime(pid) + childrenTime(pid);
  }
  return cost;
}

/** Processes that have `text` in their environment. */
export async function processesNaming(text: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 1);
  const found: number[] = [];
  for (const pid of pids) {
    const variables = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (variables.includes(text)) found.push(pid);
  }
  return found;
}

/** Ends every agent of a daemon whose state lies below `directory`. */
export async function endAgents(directory: string): Promise<void> {
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const variables = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '');
    if (!variables.includes('OFFSHOOT_JOB=') || !variables.includes(directory)) continue;
    try {
      process.kill(Number(name), 'SIGKILL');
    } catch {
      // It ended by itself in the meantime.
    }
  }
}
