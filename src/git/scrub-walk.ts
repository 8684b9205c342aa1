import { randomUUID } from 'node:crypto';
import { chmodSync, type Dirent, lstatSync, readdirSync, renameSync, type Stats, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BytePath, toBytes } from './byte-path.js';

import type { IndexEntry } from './index-file.js';

/** What a checkout holds when it is as new: paths from its root, directories without a slash at the end. */
export interface Expected {
  files: ReadonlySet<BytePath>;
  directories: ReadonlySet<BytePath>;
  /**
   * Files that were written in the second in which the checkout was finished. git compares whole seconds, so
   * it does not see when the mode, the names or the attributes of one are changed in that same second.
   */
  young: ReadonlySet<BytePath>;
}

/** The files of an index, and every directory that leads to one. `finished`: when the checkout was, in milliseconds. */
export function expectedOf(entries: readonly IndexEntry[], finished: number): Expected {
  const second = Math.floor(finished / 1_000);
  const young = new Set(
    entries.filter(({ changedSecond }) => changedSecond >= second).map(({ path }) => path),
  );
  const files = new Set<BytePath>();
  const directories = new Set<BytePath>(['']);
  for (const { path } of entries) {
    files.add(path);
    let slash = path.lastIndexOf('/');
    while (slash > 0) {
      const directory = path.slice(0, slash);
      if (directories.has(directory)) break;
      directories.add(directory);
      slash = directory.lastIndexOf('/');
    }
  }
  return { files, directories, young };
}

const DIRECTORIES_PER_TURN = 100;
const PERMISSIONS = 0o7777;

export interface Scrubbed {
  /** Directories that were touched, the root always among them. Absolute paths. */
  touched: Buffer[];
  /** Expected files that were removed, to be written anew. */
  removed: BytePath[];
  /** The walk changed what git may have stumbled over before. */
  altered: boolean;
}

/**
 * Leaves nothing in a checkout but the expected files and directories. What was touched at or after `since`
 * (milliseconds, the file system's clock) may have more than its names and content changed. What is
 * too much goes into `scrub`, an empty directory beside the checkout, which also tells the owner and the
 * permissions that every directory must have. Throws when something cannot be put right.
 */
export async function removeExtras(
  checkout: string,
  expected: Expected,
  scrub: string,
  since: number,
): Promise<Scrubbed> {
  const walk = new ScrubWalk(checkout, expected, scrub, since);
  for (let visited = 1; walk.visitNext(); visited += 1) {
    if (visited % DIRECTORIES_PER_TURN === 0) await nextTurn();
  }
  const { touched, removed, altered } = walk;
  return { touched, removed, altered };
}

class ScrubWalk {
  readonly touched: Buffer[] = [];
  readonly removed: BytePath[] = [];
  altered = false;
  private readonly pending: BytePath[] = [''];
  private readonly fresh: Stats;
  private readonly prefix: string;

  constructor(
    checkout: string,
    private readonly expected: Expected,
    private readonly scrub: string,
    private readonly since: number,
  ) {
    this.fresh = lstatSync(scrub);
    this.prefix = Buffer.from(checkout).toString('latin1');
  }

  /** False when all directories were visited. */
  visitNext(): boolean {
    const directory = this.pending.pop();
    if (directory === undefined) return false;
    const path = this.absolute(directory);
    this.putRight(path);
    for (const entry of readdirSync(path, {
      encoding: 'latin1',
      withFileTypes: true,
    }) as unknown as Dirent[]) {
      this.sort(directory === '' ? entry.name : `${directory}/${entry.name}`, entry);
    }
    return true;
  }

  private putRight(path: Buffer): void {
    const found = lstatSync(path);
    if (found.uid !== this.fresh.uid || found.gid !== this.fresh.gid) throw new Error('A foreign owner.');
    if (found.ctimeMs >= this.since) this.touched.push(path);
    const permissions = this.fresh.mode & PERMISSIONS;
    if ((found.mode & PERMISSIONS) === permissions) return;
    this.altered = true;
    chmodSync(path, permissions);
  }

  private sort(path: BytePath, entry: Dirent): void {
    if (entry.isDirectory()) {
      if (this.expected.directories.has(path)) this.pending.push(path);
      else this.moveOut(this.absolute(path));
    } else if (!(entry.isFile() || entry.isSymbolicLink())) {
      this.altered = true;
      unlinkSync(this.absolute(path));
    } else if (!this.expected.files.has(path)) unlinkSync(this.absolute(path));
    else if (this.expected.young.has(path)) this.lookAt(path);
  }

  /** A young file that was touched goes, to be written anew. */
  private lookAt(path: BytePath): void {
    const absolute = this.absolute(path);
    if (lstatSync(absolute).ctimeMs < this.since) return;
    unlinkSync(absolute);
    this.removed.push(path);
  }

  /** By a rename: how much is in the directory does not matter. */
  private moveOut(path: Buffer): void {
    // A directory that its owner may not write to cannot be moved, for its `..` would change.
    chmodSync(path, 0o700);
    renameSync(path, join(this.scrub, randomUUID()));
  }

  private absolute(path: BytePath): Buffer {
    return toBytes(path === '' ? this.prefix : `${this.prefix}/${path}`);
  }
}
