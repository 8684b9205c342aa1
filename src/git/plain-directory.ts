import { readdirSync, type Stats } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { absolutePath, type BytePath, lookAt } from './byte-path.js';
import { roomOf, type SlotSize } from './slot-size.js';

/** A directory, with all below it, in which nothing was found that could surprise who gets it next. */
export interface PlainDirectory extends SlotSize {
  /** Itself and every directory below it. */
  directories: BytePath[];
}

const DIRECTORIES_PER_TURN = 100;
const OWNER_ALL = 0o700;

/**
 * Looks through a directory below `root` that nobody writes to meanwhile. Null where it takes more than `room`, or
 * holds anything but files, links and directories of the owner of `fresh`, on the same file system: a git directory, a
 * directory that its owner may not enter, a file that has a name elsewhere too. Links are not followed.
 */
export async function lookThrough(
  root: string,
  path: BytePath,
  fresh: Stats,
  room: SlotSize,
): Promise<PlainDirectory | null> {
  const found: PlainDirectory = { directories: [], bytes: 0, inodes: 0 };
  const names = new NameCount();
  const take = (entry: BytePath): boolean => {
    const stats = lookAt(root, entry);
    if (stats === undefined || !isOrdinary(stats, fresh)) return false;
    if (stats.isDirectory()) found.directories.push(entry);
    else names.add(stats);
    found.bytes += roomOf(stats.size);
    found.inodes += 1;
    return found.bytes <= room.bytes && found.inodes <= room.inodes;
  };
  if (!take(path)) return null;
  for (let at = 0; at < found.directories.length; at += 1) {
    if (at % DIRECTORIES_PER_TURN === 0) await nextTurn();
    const directory = found.directories[at] ?? '';
    const inside = readdirSync(absolutePath(root, directory), 'latin1');
    if (!inside.every((name) => name !== '.git' && take(`${directory}/${name}`))) return null;
  }
  return names.areComplete() ? found : null;
}

function isOrdinary(stats: Stats, fresh: Stats): boolean {
  if (stats.uid !== fresh.uid || stats.gid !== fresh.gid || stats.dev !== fresh.dev) return false;
  return stats.isDirectory()
    ? (stats.mode & OWNER_ALL) === OWNER_ALL
    : stats.isFile() || stats.isSymbolicLink();
}

/** Counts the names of files that have several: all of them must have been seen. */
class NameCount {
  private readonly missing = new Map<number, number>();

  add({ ino, nlink }: Stats): void {
    if (nlink > 1) this.missing.set(ino, (this.missing.get(ino) ?? nlink) - 1);
  }

  areComplete(): boolean {
    return [...this.missing.values()].every((count) => count === 0);
  }
}
