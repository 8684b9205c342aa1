import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';

/** A file system of its own in memory, mounted at a directory; only root can make one. */
export interface SmallDisk {
  path: string;
  /** Leaves no more room than these bytes, none unless given, until `grow`. */
  fill(room?: number): Promise<void>;
  /** Room again. */
  grow(): void;
  /** Nothing can be written, or can again. */
  writable(is: boolean): void;
  remove(): void;
}

const ROOM = '2g';
const MOST_TRIES = 100;

/** Makes the directory and mounts the disk there. Its room is not taken from memory until it is used. */
export async function makeSmallDisk(path: string): Promise<SmallDisk> {
  await mkdir(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${ROOM}`, 'offshoot-test', path]);
  const remount = (options: string) =>
    execFileSync('mount', ['-o', `remount,${options}`, path], { stdio: 'pipe' });
  return {
    path,
    async fill(room = 0) {
      for (let tries = 1; ; tries += 1) {
        const { blocks, bfree, bsize } = await statfs(path);
        try {
          return void remount(`size=${Number(blocks - bfree) * Number(bsize) + room}`);
        } catch (problem) {
          // Who writes between the two has more than that.
          if (tries === MOST_TRIES) throw problem;
        }
      }
    },
    grow: () => void remount(`size=${ROOM}`),
    writable: (is) => void remount(is ? 'rw' : 'ro'),
    remove: () => void execFileSync('umount', ['-l', path]),
  };
}

/** False where a disk can be mounted, else why not: the `skip` of a test. */
export function noSmallDisk(): string | false {
  const probe = `/tmp/offshoot-mount-${process.pid}`;
  mkdirSync(probe);
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'offshoot-test', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe], { stdio: 'ignore' });
    return false;
  } catch {
    return 'This user may not mount a file system.';
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}
