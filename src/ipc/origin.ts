import { readFileSync, readlinkSync } from 'node:fs';
import { JOB_MARKER } from '../job-marker.js';
import type { Origin } from '../operations/operation.js';
import { ownVariables } from '../state-directory.js';

/** Further up than this, an agent's processes do not nest. */
const MOST_ANCESTORS = 32;
/** Bytes of the variables that are told along, in JSON: a hello has its limit. */
const MOST_VARIABLES = 16 * 1024;

/**
 * Who is behind this process, and the job whose agent that belongs to. A bridge serves one session, and one program may
 * hold a session for each of its agents: each bridge is a client, PROGRAM/BRIDGE. The commands that a program starts
 * are one together. Codex hides its environment from the MCP servers it starts, so those above are looked at too. A
 * process id counts within its namespace, and an agent may have one of its own.
 */
export function ownOrigin(who: 'bridge' | 'command'): Origin {
  const namespace = tryRead(() => readlinkSync('/proc/self/ns/pid')) ?? '';
  const parentJobId = jobAround();
  const variables = ownVariables();
  // From inside a job no daemon is started.
  const told = parentJobId === null && Buffer.byteLength(JSON.stringify(variables)) <= MOST_VARIABLES;
  const program = `${namespace}${process.ppid}`;
  const client = who === 'bridge' ? `${program}/${process.pid}` : program;
  return { client, parentJobId, ...(told && { variables }) };
}

/** Whether one and the same program is behind two clients, as behind a bridge that was killed and the next one. */
export const areOfOneProgram = (one: string, other: string): boolean =>
  one.split('/')[0] === other.split('/')[0];

function jobAround(): string | null {
  let pid = process.pid;
  for (let step = 0; step < MOST_ANCESTORS && pid > 0; step += 1) {
    const variables = tryRead(() => readFileSync(`/proc/${pid}/environ`, 'utf8')) ?? '';
    const job = new RegExp(`(?:^|\0)${JOB_MARKER}=([0-9a-f]{32})(?:\0|$)`).exec(variables)?.[1];
    if (job !== undefined) return job;
    pid = parentOf(pid);
  }
  return null;
}

/** Field 4 of /proc/PID/stat (proc(5)); the name in field 2 may hold anything, so count behind it. */
function parentOf(pid: number): number {
  const stat = tryRead(() => readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? '';
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

function tryRead(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}
