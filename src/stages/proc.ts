import { readFileSync } from 'node:fs';

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

/** What a short file holds; null when it is not there. Throws when it cannot be read: it is not taken for missing. */
export function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw problem;
  }
}

/** What a file of /proc holds; null when it cannot be read. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch {
    return null;
  }
}
