import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs';
import { READ_WITHOUT_WAITING } from '../open-flags.js';

/**
 * Reads a regular file of at most `maxBytes`; null when there is none, it is longer, or it is no regular
 * file. A named pipe put in its place cannot make the reader wait. Synchronous: what is asked for is small, and
 * waiting costs more.
 */
export function readRegularFile(path: string | Buffer, maxBytes: number): Buffer | null {
  // Most of what is asked for is not there, and an error takes ten times as long as this.
  if (!existsSync(path)) return null;
  let file: number;
  try {
    file = openSync(path, READ_WITHOUT_WAITING);
  } catch {
    return null;
  }
  try {
    const found = fstatSync(file);
    return found.isFile() && found.size <= maxBytes ? readFileSync(file) : null;
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}

/** Reads a file that has to be there. Throws the system's error, or one like it for what is no regular file. */
export function readWholeFile(path: string): Buffer {
  expectRegular(statSync(path));
  return readFileSync(path);
}

/**
 * Copies a file, replacing what an agent may have put at `to`, and gives what the system told of it. Throws the system's
 * error, or one like it for what is no regular file.
 */
export function copyRegularFile(from: string, to: string): Stats {
  const found = statSync(from);
  expectRegular(found);
  rmSync(to, { force: true });
  copyFileSync(from, to);
  return found;
}

function expectRegular(found: Stats): void {
  if (!found.isFile()) throw Object.assign(new Error('It is no regular file.'), { code: 'EINVAL' });
}

/** The first line of a small file of git's, without its end. */
export const firstLine = (content: Buffer): string =>
  (content.toString('utf8').split('\n', 1)[0] ?? '').trimEnd();
