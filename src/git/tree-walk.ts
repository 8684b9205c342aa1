import { randomUUID } from 'node:crypto';
import { chmodSync, type Dirent, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BytePath, toBytes } from './byte-path.js';

import type { SlotLayout } from './slot.js';

/** What the baseline tracks: paths with bytes as characters. */
export interface Tracked {
  files: ReadonlySet<BytePath>;
  submodules: ReadonlySet<BytePath>;
  /** Files that a sparse checkout does not have. */
  absent: ReadonlySet<BytePath>;
  /** Submodules that were checked out: they are walked by themselves. */
  apart: ReadonlySet<BytePath>;
}

export interface WalkedTree {
  /** Files and symbolic links that the baseline does not track. */
  untracked: BytePath[];
  /** Absent files of the sparse checkout that are there now. */
  reappeared: BytePath[];
  /** The walk changed what git may have stumbled over before. */
  altered: boolean;
  warnings: string[];
}

const DIRECTORIES_PER_TURN = 100;
const OWNER_ALL = 0o700;

/**
 * Walks the agent's checkout and makes it such that git can take it as it lies: every git directory is moved
 * aside, what is neither file, directory nor link is removed, and directories that their owner may not enter
 * are opened. Walks in short synchronous steps: that is four times faster than waiting for each directory,
 * and the thread's other jobs go on between.
 */
export async function walkTree(slot: SlotLayout, tracked: Tracked): Promise<WalkedTree> {
  mkdirSync(slot.aside, { recursive: true });
  const walk = new Walk(slot, tracked);
  for (let visited = 0; walk.visitNext(); visited += 1) {
    if (visited % DIRECTORIES_PER_TURN === 0) await nextTurn();
  }
  const { untracked, reappeared, altered } = walk;
  return { untracked, reappeared, altered, warnings: walk.warnings() };
}

class Walk {
  readonly untracked: BytePath[] = [];
  readonly reappeared: BytePath[] = [];
  altered = false;
  /** Directories to visit, each with a slash at its end; the root is the empty path. */
  private readonly pending: BytePath[] = [''];
  private readonly seen = { nested: 0, removed: 0, unreadable: 0, inSubmodules: 0 };

  constructor(
    private readonly slot: SlotLayout,
    private readonly tracked: Tracked,
  ) {}

  /** False when all directories were visited. */
  visitNext(): boolean {
    const directory = this.pending.pop();
    if (directory === undefined) return false;
    const entries = this.open(directory);
    for (const entry of entries) this.sort(directory, entry);
    return true;
  }

  private open(directory: BytePath): Dirent<Buffer>[] {
    const path = this.absolute(directory);
    try {
      if ((lstatSync(path).mode & OWNER_ALL) !== OWNER_ALL) this.makeEnterable(path);
      return readdirSync(path, { encoding: 'buffer', withFileTypes: true }) as unknown as Dirent<Buffer>[];
    } catch {
      this.altered = true;
      this.seen.unreadable += 1;
      return [];
    }
  }

  private makeEnterable(path: Buffer): void {
    this.altered = true;
    chmodSync(path, 0o755);
  }

  private sort(directory: BytePath, entry: Dirent<Buffer>): void {
    const name = entry.name.toString('latin1');
    const path = directory + name;
    if (name === '.git') this.moveAside(path, directory);
    else if (entry.isDirectory()) this.enter(path);
    else if (entry.isFile() || entry.isSymbolicLink()) this.addFile(path);
    else this.remove(path);
  }

  private enter(directory: BytePath): void {
    if (!this.tracked.apart.has(directory)) this.pending.push(`${directory}/`);
  }

  private addFile(path: BytePath): void {
    if (this.tracked.files.has(path)) return;
    if (this.tracked.absent.has(path)) this.reappeared.push(path);
    else if (this.tracked.submodules.size > 0 && this.liesInSubmodule(path)) this.seen.inSubmodules += 1;
    else this.untracked.push(path);
  }

  private liesInSubmodule(path: BytePath): boolean {
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      if (this.tracked.submodules.has(path.slice(0, slash))) return true;
    }
    return false;
  }

  private moveAside(path: BytePath, directory: BytePath): void {
    if (directory !== '') {
      this.altered = true;
      this.seen.nested += 1;
    }
    renameSync(this.absolute(path), join(this.slot.aside, randomUUID()));
  }

  private remove(path: BytePath): void {
    this.altered = true;
    rmSync(this.absolute(path));
    this.seen.removed += 1;
  }

  private absolute(path: BytePath): Buffer {
    return Buffer.concat([Buffer.from(`${this.slot.checkout}/`), toBytes(path)]);
  }

  warnings(): string[] {
    const { nested, removed, unreadable, inSubmodules } = this.seen;
    const told: [number, string][] = [
      [
        nested,
        'Repositories that the agent made inside the worktree: their files are in the patch, their history is not',
      ],
      [removed, 'Pipes, sockets and devices cannot be in a patch and were left out'],
      [unreadable, 'Directories that could not be read were left out'],
      [inSubmodules, 'Files that the agent wrote into submodules were left out'],
    ];
    return told.filter(([count]) => count > 0).map(([count, words]) => `${words}: ${count}.`);
  }
}
