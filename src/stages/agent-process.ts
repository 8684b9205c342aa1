import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { Containment } from '../../machines/job.js';

/** The process that an agent's life hangs on: its namespace's keeper, or its `sh` supervisor. */
export interface AgentProcess {
  pid: number;
  containment: Containment;
  /** Boot and start time tell a process from a later one with the same id. */
  bootId: string;
  startTime: string;
}

/** Reads the file that the launcher made; null when there is none. */
export async function readAgentProcess(file: string): Promise<AgentProcess | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  const [pid = '', containment = '', bootId = '', stat = ''] = text.split('\n');
  return {
    pid: Number(pid),
    containment: containment === 'namespace' ? 'namespace' : 'group',
    bootId,
    startTime: startTimeOf(stat),
  };
}

/** False once every process of the agent's namespace, or its supervisor, is dead; a zombie is dead. */
export function isAlive(agent: AgentProcess): boolean {
  const stat = readStat(agent.pid);
  if (stat === null || / [ZX] /.test(stat.slice(stat.lastIndexOf(')'), stat.lastIndexOf(')') + 4)))
    return false;
  return (
    startTimeOf(stat) === agent.startTime && readText('/proc/sys/kernel/random/boot_id') === agent.bootId
  );
}

/** Asks the supervisor to end the agent: politely, after its grace for good. */
export function askToStop(agent: AgentProcess): void {
  // The namespace's keeper does not pass signals on, so its only child, the supervisor, gets it.
  const supervisor =
    agent.containment === 'namespace'
      ? Number(readText(`/proc/${agent.pid}/task/${agent.pid}/children`)?.split(' ')[0])
      : agent.pid;
  if (supervisor > 1) sendSignal(supervisor, 'SIGTERM');
}

/** Ends what still lives at once. The kernel ends a whole namespace with its keeper. */
export async function kill(agent: AgentProcess, jobId: string): Promise<void> {
  if (isAlive(agent)) sendSignal(agent.pid, 'SIGKILL');
  if (agent.containment === 'group') await sweep(jobId);
}

/** The environment variable that marks every process of a job. */
export const JOB_MARKER = 'OFFSHOOT_JOB';

/**
 * Ends every process that carries the job's marker in its environment: what left the process group. Looks
 * again until a round finds nothing, because a process may fork while it is looked for.
 */
export async function sweep(jobId: string): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    const found = await findMarked(jobId);
    if (found.length === 0) return;
    for (const pid of found) sendSignal(pid, 'SIGKILL');
  }
}

/** Process ids that carry the job's marker. Empty where there is no /proc. */
export async function findMarked(jobId: string): Promise<number[]> {
  const marker = `${JOB_MARKER}=${jobId}`;
  const names = await readdir('/proc').catch(() => []);
  const pids = names.map(Number).filter((pid) => pid > 1 && pid !== process.pid);
  return pids.filter((pid) => {
    const variables = readText(`/proc/${pid}/environ`)?.split('\0');
    return variables?.includes(marker) === true && !/\) [ZX] /.test(readStat(pid) ?? ') Z ');
  });
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in the meantime.
  }
}

const readStat = (pid: number) => readText(`/proc/${pid}/stat`);

/** Field 22 of /proc/PID/stat (proc(5)); the name in field 2 may hold anything, so count behind it. */
const startTimeOf = (stat: string) => stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch {
    return null;
  }
}
