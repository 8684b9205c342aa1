import { DatabaseSync } from '@photostructure/sqlite';
import { type Outcome, refuse, succeed } from '../errors.js';

export interface DaemonLock {
  release(): void;
}

/** SQLite's result code for a database that another connection has locked. */
const SQLITE_BUSY = 5;

const HELD = 'Another daemon holds this state directory: `offshoot stop` ends it.';

/**
 * Takes the lock that makes a daemon the only one of its state directory: an exclusive transaction on a
 * database of its own, held for life. The kernel frees it when the process ends, however it ends. Does not wait.
 *
 * @returns `daemon_unavailable`, with `details.held` true if another daemon holds the lock.
 */
export function acquireDaemonLock(path: string): Outcome<DaemonLock> {
  let database: InstanceType<typeof DatabaseSync> | null = null;
  try {
    database = new DatabaseSync(path);
    database.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    const held = (error as { errcode?: number }).errcode === SQLITE_BUSY;
    if (held) return refuse('daemon_unavailable', { message: HELD, details: { held } });
    return refuse('daemon_unavailable', {
      message: 'The lock of the state directory cannot be taken.',
      details: { held, reason: (error as Error).message },
    });
  }
  const locked = database;
  return succeed({ release: () => locked.close() });
}
