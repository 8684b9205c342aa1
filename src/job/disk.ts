import { statfs } from 'node:fs/promises';
import { type Outcome, refuse, succeed } from '../errors.js';

/** New work is refused below this, so that running work has room to finish. */
const FLOOR_BYTES = 512 * 1024 * 1024;

/** Refuses when the disk that holds `directory` has less than 512 MiB, or hardly an inode, left for users. */
export async function checkDisk(directory: string): Promise<Outcome<null>> {
  const disk = await statfs(directory).catch(() => null);
  // A file system that does not tell is not held against the caller.
  if (disk === null) return succeed(null);
  const free = disk.bavail * disk.bsize;
  const inodesShort = disk.files > 0 && disk.ffree < 10_000;
  if (free >= FLOOR_BYTES && !inodesShort) return succeed(null);
  return refuse('disk_low', {
    details: { free_bytes: free, needed_bytes: FLOOR_BYTES },
    retryAfterMs: 30_000,
  });
}
