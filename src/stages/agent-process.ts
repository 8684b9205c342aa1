import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Containment } from '../../machines/job.js';
import { askHostToStop, type HostPlace } from './ask-host.js';
import { sweep } from './marked-processes.js';
import { isDead, isThere, readIfThere, readStat, readText, sendSignal, startTimeOf } from './proc.js';

/** How long a stopped agent may take to end politely. */
export const GRACE_SECONDS = 5;
/** A host in order ends a job at once within this time. */
const HOST_MS = 3_000;

/** The process that an agent's life hangs on: its namespace's keeper, or its `sh` supervisor. */
export interface AgentProcess {
  pid: number;
  containment: Containment;
  /** Boot and start time tell a process from a later one with the same id. */
  bootId: string;
  startTime: string;
  /** Where the process is a host that runs other jobs too; null for one of the job's own. */
  place: HostPlace | null;
}

/** Reads the file that the launcher made; null when there is none, or not all of it yet. */
export function readAgentProcess(file: string): AgentProcess | null {
  const text = readIfThere(file);
  if (text === null || !WHOLE.test(text)) return null;
  const [pid = '', containment = '', bootId = '', stat = '', host = ''] = text.split('\n');
  return {
    pid: Number(pid),
    containment: containment === 'namespace' ? 'namespace' : 'group',
    bootId,
    startTime: startTimeOf(stat),
    place: host === '' ? null : { host, attempt: dirname(file) },
  };
}

/** Four lines at least, the last one ended. */
const WHOLE = /^(.*\n){4}(.*\n)?$/;

/** False once every process of the agent's namespace, or its supervisor, is dead; a zombie is dead. */
export function isAlive(agent: AgentProcess): boolean {
  if (!(agent.pid > 1)) return false;
  // A host writes the status when all that it started for the job is dead, and lives on.
  if (agent.place !== null && existsSync(join(agent.place.attempt, 'exit'))) return false;
  const stat = readStat(agent.pid);
  // A daemon that has no file left to open must not take its agents for dead.
  if (stat === null) return isThere(agent.pid);
  if (isDead(stat) || startTimeOf(stat) !== agent.startTime) return false;
  bootId ??= readText('/proc/sys/kernel/random/boot_id');
  return bootId === null || bootId === agent.bootId;
}

/** This boot's; read once, because it stays. */
let bootId: string | null = null;

/** Asks the supervisor to end the agent: politely, after its grace for good. */
export function askToStop(agent: AgentProcess): void {
  if (agent.place !== null) {
    askHostToStop(agent.place, GRACE_SECONDS * 1_000);
    return;
  }
  // The namespace's keeper does not pass signals on, so its only child, the supervisor, gets it.
  const supervisor =
    agent.containment === 'namespace'
      ? Number(readText(`/proc/${agent.pid}/task/${agent.pid}/children`)?.split(' ')[0])
      : agent.pid;
  if (supervisor > 1) sendSignal(supervisor, 'SIGTERM');
}

/**
 * Ends at once what still lives, and waits for its end. The kernel ends a whole namespace with its keeper. A host
 * that does not end its job is ended itself: the other jobs it has go on in another.
 */
export async function kill(agent: AgentProcess, jobId: string): Promise<void> {
  if (agent.place !== null) {
    askHostToStop(agent.place, 0);
    for (const until = performance.now() + HOST_MS; isAlive(agent) && performance.now() < until; )
      await delay(20);
  }
  if (isAlive(agent)) sendSignal(agent.pid, 'SIGKILL');
  await sweep(jobId);
}
