import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { READ_WITHOUT_WAITING } from '../open-flags.js';

/** Sends a signal to a process that may be gone. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in the meantime.
  }
}

/** True while there is a process of this user with that id. Needs no file, so that it is true when none can be opened. */
export function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A process is dead that only waits to be reaped. */
export const isDead = (stat: string): boolean => /^\) [ZX] /.test(stat.slice(stat.lastIndexOf(')')));

export const readStat = (pid: number) => readText(`/proc/${pid}/stat`);

/** The fields of /proc/PID/stat from the third on (proc(5)); the name in the second may hold anything. */
export const fieldsOf = (stat: string): string[] => stat.slice(stat.lastIndexOf(')') + 2).split(' ');

/** Field 22: when the process started, in clock ticks since boot. */
export const startTimeOf = (stat: string): string => fieldsOf(stat)[19] ?? '';

/** What a short file holds; null when it is not there. Throws when it cannot be read: it is not taken for missing. */
export function readIfThere(path: string): string | null {
  const file = openIfThere(path);
  if (file === null) return null;
  try {
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/**
 * A descriptor of a regular file, to be closed; null when there is none, whatever else is in its place. Throws when
 * it cannot be opened: it is not taken for missing.
 */
export function openIfThere(path: string): number | null {
  const file = tryToOpen(path);
  if (file === null || fstatSync(file).isFile()) return file;
  closeSync(file);
  return null;
}

function tryToOpen(path: string): number | null {
  try {
    return openSync(path, READ_WITHOUT_WAITING);
  } catch (problem) {
    if (tellsAbsence(problem)) return null;
    throw problem;
  }
}

/** Nothing; a file instead of the directory; a socket. */
const ABSENCE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ENXIO']);

/** True of an error of opening that tells that there is no such file. */
export const tellsAbsence = (problem: unknown): boolean =>
  ABSENCE.has((problem as NodeJS.ErrnoException).code);

/** What a file of /proc holds; null when it cannot be read. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch {
    return null;
  }
}
