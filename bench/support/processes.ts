import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';

/** Processor time that a process has used so far, in milliseconds. Linux alone tells it. */
export interface ProcessorTime {
  /** All threads of the process that are alive. */
  own: number;
  /** Its first thread. */
  main: number;
  /** Its children, those that live and those that ended, with what they waited for; in steps of 10 ms. */
  children: number;
}

/** Clock ticks of /proc/PID/stat a second: 100 on every Linux that Node runs on. */
const TICK_MS = 10;

export function processorTime(pid: number): ProcessorTime {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return {
    own: tasks.reduce((sum, task) => sum + runTime(`/proc/${pid}/task/${task}/schedstat`), 0),
    main: runTime(`/proc/${pid}/task/${pid}/schedstat`),
    children: familyTime(pid),
  };
}

/** Git and the launcher are children of small shells that stay: what those waited for counts as well. */
function familyTime(pid: number): number {
  const living = readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readOr(`/proc/${pid}/task/${task}/children`, '').split(' '))
    .filter((child) => child !== '')
    .map((child) => ownTime(Number(child)) + childrenTime(Number(child)));
  return living.reduce((sum, time) => sum + time, childrenTime(pid));
}

export const childrenTime = (pid: number): number => timeOf(pid, 16);
const ownTime = (pid: number): number => timeOf(pid, 14);

/** Two fields of /proc/PID/stat (proc(5)), user and system; the name in field 2 may hold anything, so count behind it. */
function timeOf(pid: number, firstField: number): number {
  const stat = readOr(`/proc/${pid}/stat`, '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [first = 0, second = 0] = fields.slice(firstField - 3, firstField - 1).map(Number);
  return (first + second) * TICK_MS;
}

/** The first number of schedstat is the time spent on a processor, in nanoseconds. */
const runTime = (path: string): number => Number(readOr(path, '0').split(' ')[0]) / 1e6;

/** What a file of /proc holds; `otherwise` when its thread or process ended a moment before. */
function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return otherwise;
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
