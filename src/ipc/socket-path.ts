import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Outcome, refuse, succeed } from '../errors.js';

/** A socket's path holds 103 bytes on macOS and 107 on Linux. */
const LONGEST_PATH_BYTES = 100;

// Not os.tmpdir(): TMPDIR may differ between the processes that have to meet here.
const SHORT_ROOT = '/tmp';

/**
 * Path of the daemon's socket: in the state directory, or, where that is too long for a socket, in a private
 * directory under /tmp that is named after it.
 */
export function socketPath(stateDir: string): string {
  const path = join(stateDir, 'daemon.sock');
  if (Buffer.byteLength(path) <= LONGEST_PATH_BYTES) return path;
  const name = createHash('sha256').update(stateDir).digest('hex').slice(0, 24);
  return join(SHORT_ROOT, `offshoot-${process.getuid?.() ?? 0}-${name}`, 'daemon.sock');
}

/** Makes the directory of the socket, 0700, where there is none under /tmp. The state directory is made by others. */
export function makeSocketDirectory(path: string): void {
  const directory = dirname(path);
  if (dirname(directory) === SHORT_ROOT) mkdirSync(directory, { recursive: true, mode: 0o700 });
}

/**
 * Refuses a directory under /tmp that somebody else could have put there to pose as the daemon: it must be a
 * directory of ours, no symlink, closed to all others. One that does not exist passes.
 */
export function checkSocketDirectory(path: string): Outcome<null> {
  const directory = dirname(path);
  if (dirname(directory) !== SHORT_ROOT) return succeed(null);
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return succeed(null);
  const ours = found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
  if (ours) return succeed(null);
  return refuse('daemon_unavailable', {
    message: "The daemon's socket directory is not a private directory of this user.",
    details: { directory },
  });
}
