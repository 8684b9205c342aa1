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

/** Fields 16 and 17 of /proc/PID/stat (proc(5)); the name in field 2 may hold anything, so count behind it. */
export function childrenTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
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
