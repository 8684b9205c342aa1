import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  type Dirent,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BytePath, lookAt, parentOf, toBytes } from './byte-path.js';
import { isStamped, type Stamp, type Stamps } from './directory-stamps.js';
import type { SlotLayout } from './slot.js';
import { dropFixedFlags } from './system.js';
import type { Tracked } from './tracked.js';

export interface WalkedTree {
  /** Files and symbolic links that the baseline does not track. */
  untracked: BytePath[];
  /** What is too much in directories of the baseline: files and links, and directories, whatever is in them. */
  extra: { files: BytePath[]; directories: BytePath[] };
  /** Absent files of the sparse checkout that are there now. */
  reappeared: BytePath[];
  /** Directories of the baseline that were touched since the checkout was finished, the root first. */
  touched: BytePath[];
  /** Those whose permissions are not those of a new directory. */
  unlike: BytePath[];
  /** Those in which nothing changed since they were stamped. */
  unchanged: Map<BytePath, Stamp>;
  /** A directory has a foreign owner, or something could not be read. */
  unfit: boolean;
  /** The walk changed what git may have stumbled over before. */
  altered: boolean;
  warnings: string[];
}

/** Is told of all that the walk comes by, but git directories. */
export interface Witness {
  /** Those that stay, symbolic links among them. */
  files: Set<BytePath>;
  directories: Set<BytePath>;
  /** Neither of these. Answers true when it is to be left where it is. */
  special(path: BytePath): boolean;
}

const DIRECTORIES_PER_TURN = 100;
const OWNER_ALL = 0o700;
const OWNER_READS = 0o500;
/** Every system takes a path of that length; most paths are shorter. */
const SURE_PATH_BYTES = 1_000;
export const PERMISSIONS = 0o7777;

/**
 * Walks the agent's checkout and makes it such that git can take it as it lies: every git directory is moved aside,
 * what is neither file, directory nor link is removed, and directories that their owner may not enter are opened,
 * whatever flags they bear. A directory that is as its stamp says holds what the baseline has in it, and is not read.
 * Walks in short synchronous steps: that is four times faster than waiting for each directory, and the thread's other
 * jobs go on between.
 */
export async function walkTree(
  slot: SlotLayout,
  tracked: Tracked,
  stamps: Stamps,
  witness?: Witness,
): Promise<WalkedTree> {
  mkdirSync(slot.aside, { recursive: true });
  const done = { nested: 0, removed: 0 };
  try {
    return await visitAll(new Walk(slot, tracked, stamps, witness, done));
  } catch (error) {
    if (!isForbidden(error)) throw error;
  }
  await dropFixedFlags(slot.checkout);
  const walked = await visitAll(new Walk(slot, tracked, stamps, witness, done, true));
  return { ...walked, altered: true };
}

async function visitAll(walk: Walk): Promise<WalkedTree> {
  for (let visited = 1; walk.visitNext(); visited += 1) {
    if (visited % DIRECTORIES_PER_TURN === 0) await nextTurn();
  }
  return walk.result();
}

/** What the system answers also to the owner where root made something unchangeable. */
const isForbidden = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EPERM';

class Walk {
  private readonly walked: Omit<WalkedTree, 'unfit' | 'warnings'> = {
    untracked: [],
    extra: { files: [], directories: [] },
    reappeared: [],
    touched: [],
    unlike: [],
    unchanged: new Map(),
    altered: false,
  };
  private readonly pending: BytePath[] = [''];
  private readonly seen = { unreadable: 0, inSubmodules: 0, foreign: 0 };
  /** A directory that was just made as those of a checkout are. */
  private readonly fresh: Stats;
  /** When the checkout was finished, by the clock of its file system. */
  private readonly finished: number;
  private readonly prefix: string;
  private readonly stamps: Stamps;

  constructor(
    private readonly slot: SlotLayout,
    private readonly tracked: Tracked,
    stamps: Stamps,
    private readonly witness: Witness | undefined,
    /** How much was moved aside and removed, also by a walk before this one. */
    private readonly done: { nested: number; removed: number },
    /** What cannot be opened is left as it is: else the walk throws. */
    private readonly isLast = false,
  ) {
    this.fresh = lstatSync(slot.aside);
    // A submodule has no such file: it is never scrubbed.
    this.finished = lstatSync(slot.made, { throwIfNoEntry: false })?.ctimeMs ?? 0;
    this.prefix = Buffer.from(slot.checkout).toString('latin1');
    // The agent's git directory was put into the root: a file system that does not tell that tells nothing.
    const root = stamps.get('');
    this.stamps = root !== undefined && isStamped(lstatSync(slot.checkout), root) ? new Map() : stamps;
  }

  /** False when all directories were visited. */
  visitNext(): boolean {
    const directory = this.pending.pop();
    if (directory === undefined) return false;
    const known = this.tracked.directories.has(directory);
    const found = this.look(directory);
    if (found === null) return true;
    if (known && this.isUnchanged(directory, found))
      this.pending.push(...(this.tracked.directories.get(directory) ?? []));
    else this.read(directory, found, known);
    return true;
  }

  /**
   * The root never is: the agent's git directory was put there. A change that is made in the same instant as
   * an earlier one has the same time, so only a time before the checkout was finished tells.
   */
  private isUnchanged(directory: BytePath, found: Stats): boolean {
    const stamp = this.stamps.get(directory);
    if (stamp === undefined || directory === '' || found.ctimeMs >= this.finished) return false;
    if (!isStamped(found, stamp)) return false;
    this.walked.unchanged.set(directory, stamp);
    return true;
  }

  private read(directory: BytePath, found: Stats, known: boolean): void {
    if (known) this.compare(directory, found);
    const start = directory === '' ? '' : `${directory}/`;
    for (const entry of this.open(directory, found)) this.sort(start, entry, known);
  }

  private look(directory: BytePath): Stats | null {
    try {
      return lstatSync(this.absolute(directory));
    } catch {
      return this.cannotRead(null);
    }
  }

  private open(directory: BytePath, found: Stats): Dirent[] {
    const path = this.absolute(directory);
    try {
      if ((found.mode & OWNER_READS) !== OWNER_READS) this.makeEnterable(path);
      // git could read it as it was.
      else if ((found.mode & OWNER_ALL) !== OWNER_ALL) chmodSync(path, 0o755);
      const options = { encoding: 'latin1', withFileTypes: true } as const;
      return readdirSync(path, options) as unknown as Dirent[];
    } catch (error) {
      if (isForbidden(error) && !this.isLast) throw error;
      return this.cannotRead([]);
    }
  }

  private cannotRead<Answer>(answer: Answer): Answer {
    this.walked.altered = true;
    this.seen.unreadable += 1;
    return answer;
  }

  private compare(directory: BytePath, found: Stats): void {
    const { touched, unlike } = this.walked;
    if (found.uid !== this.fresh.uid || found.gid !== this.fresh.gid) this.seen.foreign += 1;
    if (found.ctimeMs >= this.finished || this.stamps.size > 0 || directory === '') touched.push(directory);
    if ((found.mode & PERMISSIONS) !== (this.fresh.mode & PERMISSIONS)) unlike.push(directory);
  }

  private makeEnterable(path: Buffer): void {
    this.walked.altered = true;
    chmodSync(path, 0o755);
  }

  /** `inKnown`: the entry lies in a directory of the baseline, not in one that is too much as a whole. */
  private sort(start: BytePath, entry: Dirent, inKnown: boolean): void {
    const path = start + entry.name;
    if (this.isTooDeep(path)) this.cannotRead(null);
    else if (entry.name === '.git') this.moveAside(path, start);
    else if (entry.isDirectory()) this.enter(path, inKnown);
    else if (entry.isFile() || entry.isSymbolicLink()) this.addFile(path, inKnown);
    else if (!this.witness?.special(path)) this.remove(path);
  }

  /** The system takes no path of that length, though who works further down may make it. A file of the baseline may stay. */
  private isTooDeep(path: BytePath): boolean {
    if (this.prefix.length + 1 + path.length <= SURE_PATH_BYTES || this.tracked.files.has(path)) return false;
    try {
      return lstatSync(this.absolute(path), { throwIfNoEntry: false }) === undefined;
    } catch {
      return true;
    }
  }

  private enter(directory: BytePath, inKnown: boolean): void {
    this.witness?.directories.add(directory);
    if (inKnown && !this.tracked.directories.has(directory)) this.walked.extra.directories.push(directory);
    if (!this.tracked.apart.has(directory)) this.pending.push(directory);
    // git asks it which commit the submodule is at, and would read whatever the agent put there.
    else if (lookAt(this.slot.checkout, `${directory}/.git`)) this.moveAside(`${directory}/.git`, directory);
  }

  private addFile(path: BytePath, inKnown: boolean): void {
    this.witness?.files.add(path);
    if (this.tracked.files.has(path)) return;
    if (inKnown) this.walked.extra.files.push(path);
    if (this.tracked.absent.has(path)) this.walked.reappeared.push(path);
    else if (this.tracked.submodules.size > 0 && this.liesInSubmodule(path)) this.seen.inSubmodules += 1;
    else this.walked.untracked.push(path);
  }

  private liesInSubmodule(path: BytePath): boolean {
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      if (this.tracked.submodules.has(path.slice(0, slash))) return true;
    }
    return false;
  }

  private moveAside(path: BytePath, start: BytePath): void {
    if (start !== '') {
      this.walked.altered = true;
      this.done.nested += 1;
    }
    const aside = join(this.slot.aside, randomUUID());
    try {
      renameSync(this.absolute(path), aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
      // Its `..` changes with its place, so not only the directory that it lies in must be writable.
      this.makeEnterable(this.absolute(parentOf(path)));
      if (lookAt(this.slot.checkout, path)?.isDirectory()) this.makeEnterable(this.absolute(path));
      renameSync(this.absolute(path), aside);
    }
  }

  private remove(path: BytePath): void {
    this.walked.altered = true;
    rmSync(this.absolute(path));
    this.done.removed += 1;
  }

  private absolute(path: BytePath): Buffer {
    return toBytes(path === '' ? this.prefix : `${this.prefix}/${path}`);
  }

  result(): WalkedTree {
    const { nested, removed } = this.done;
    const { unreadable, inSubmodules, foreign } = this.seen;
    const told: [number, string][] = [
      [
        nested,
        'Repositories that the agent made inside the worktree: their history is not in the patch, nor are files that are ignored',
      ],
      [removed, 'Pipes, sockets and devices cannot be in a patch and were left out'],
      [unreadable, 'Files and directories that could not be read were left out'],
      [inSubmodules, 'Files that the agent wrote into submodules were left out'],
    ];
    const warnings = told.filter(([count]) => count > 0).map(([count, words]) => `${words}: ${count}.`);
    return { ...this.walked, unfit: unreadable + foreign > 0, warnings };
  }
}
