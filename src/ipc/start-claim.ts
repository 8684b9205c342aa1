import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** That this process starts a daemon, and nobody else. */
export interface StartClaim {
  /** The daemon is started: while that process lives it is on its way, whatever becomes of this one. */
  handTo(pid: number): void;
  /** The daemon serves, or has ended. */
  release(): void;
}

/** A daemon that is on its way for longer than this is not waited for. */
const STALE_MS = 30_000;

/**
 * Claims the start of a daemon; null while another process that lives has claimed it. A daemon is started by whoever
 * misses it: without this, a hundred bridges whose daemon was killed would start a hundred, and on a busy machine none
 * of them would soon get to serve. It only saves work: which daemon is the one, its lock decides.
 *
 * @throws what the system says when the file cannot be made.
 */
export function claimStart(path: string): StartClaim | null {
  if (makeFile(path)) return claimOf(path);
  if (!isStale(path)) return null;
  rmSync(path, { force: true });
  return makeFile(path) ? claimOf(path) : null;
}

/** Makes the file with its content, or not at all. */
function makeFile(path: string): boolean {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, String(process.pid), { mode: 0o600 });
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

function claimOf(path: string): StartClaim {
  let isHeld = true;
  return {
    handTo(pid) {
      try {
        writeFileSync(path, String(pid));
      } catch {
        // Then another may be started beside it, should this process die.
      }
    },
    release() {
      if (isHeld) rmSync(path, { force: true });
      isHeld = false;
    },
  };
}

function isStale(path: string): boolean {
  try {
    // The clock may have been set back since: then the file is of a later time.
    const age = Math.abs(Date.now() - statSync(path).mtimeMs);
    return age > STALE_MS || !isAlive(Number(readFileSync(path, 'utf8')));
  } catch {
    // It was released a moment ago.
    return true;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
