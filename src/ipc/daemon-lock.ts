import { truncateSync } from 'node:fs';
import { DatabaseSync } from '@photostructure/sqlite';
import { type Outcome, refuse, succeed } from '../errors.js';

export interface DaemonLock {
  release(): void;
}

/** SQLite's result codes for a database that another connection has locked, and for a file that is none. */
const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

const HELD = 'Another daemon holds this state directory: `offshoot stop` ends it.';

/**
 * Takes the lock that makes a daemon the only one of its state directory: an exclusive transaction on a
 * database of its own, held for life. The kernel frees it when the process ends, however it ends. Does not wait.
 * Nothing is ever kept in that file: what somebody wrote there is dropped.
 *
 * @returns `daemon_unavailable`, with `details.held` true if another daemon holds the lock.
 */
export function acquireDaemonLock(path: string): Outcome<DaemonLock> {
  try {
    return succeed(lockWhatever(path));
  } catch (error) {
    const held = codeOf(error) === SQLITE_BUSY;
    if (held) return refuse('daemon_unavailable', { message: HELD, details: { held } });
    return refuse('daemon_unavailable', {
      message: 'The lock of the state directory cannot be taken.',
      details: { held, reason: (error as Error).message },
    });
  }
}

function lockWhatever(path: string): DaemonLock {
  try {
    return lock(path);
  } catch (error) {
    if (codeOf(error) !== SQLITE_NOTADB) throw error;
    // Not removed: another daemon that starts now must meet this one at the same file.
    truncateSync(path);
    return lock(path);
  }
}

function lock(path: string): DaemonLock {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    throw error;
  }
}

const codeOf = (error: unknown) => (error as { errcode?: number }).errcode;
