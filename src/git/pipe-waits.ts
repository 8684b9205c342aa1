import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** Functions of Linux in which a process sleeps that opens a named pipe, until somebody opens its other end. */
const OPENING_A_PIPE = /^(wait_for_partner|fifo_open)/;
/** As /proc/PID/comm has it. What a filter of the user's opens is its own affair. */
const GIT = 'git\n';
/** What `openat` gets for "relative to where the process is"; `open`, which has no such argument, begins with the path. */
const AT_WORKING_DIRECTORY = /ffffff9c$/;
const MAX_PATH_BYTES = 4096;

/**
 * The named pipe that git waits to open, where git is that process or was started by it: the path as git gave it, empty
 * where the system does not tell. Null when none waits so, and on systems without /proc/PID/wchan (proc(5)).
 */
export function pipeWaitedFor(pid: number): string | null {
  const waits = OPENING_A_PIPE.test(read(pid, 'wchan')) && read(pid, 'comm') === GIT;
  if (waits) return pathBeingOpened(pid);
  const children = read(pid, `task/${pid}/children`).trim().split(' ').filter(Boolean);
  for (const child of children) {
    const pipe = pipeWaitedFor(Number(child));
    if (pipe !== null) return pipe;
  }
  return null;
}

/** Read where the second or the first argument of the system call points to: /proc/PID/syscall, /proc/PID/mem. */
function pathBeingOpened(pid: number): string {
  const [, first = '', second = ''] = read(pid, 'syscall').split(' ');
  const address = AT_WORKING_DIRECTORY.test(first) ? second : first;
  try {
    const memory = openSync(`/proc/${pid}/mem`, 'r');
    try {
      const text = Buffer.alloc(MAX_PATH_BYTES);
      const bytes = readSync(memory, text, 0, MAX_PATH_BYTES, BigInt(address));
      return text.toString('utf8', 0, text.subarray(0, bytes).indexOf(0));
    } finally {
      closeSync(memory);
    }
  } catch {
    return '';
  }
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
