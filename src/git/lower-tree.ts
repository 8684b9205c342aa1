import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { readlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { absolutePath } from './byte-path.js';
import { isStamped, readStamps } from './directory-stamps.js';
import type { CallerEnvironment } from './environment.js';
import { findIndexChanges } from './index-changes.js';
import { copyRegularFile } from './regular-file.js';
import { discardUnless } from './removal.js';
import {
  isCheckout,
  lowerTreesOf,
  overlaySlotLayout,
  type SlotLayout,
  slotContext,
  slotLayout,
} from './slot.js';
import { type KeptSlot, listKept, nameOf } from './slot-name.js';
import type { SlotSize } from './slot-size.js';

/**
 * A lower tree is a scrubbed slot that is kept as it is: the checkouts of later jobs are laid over it, any number at
 * once, and each holds only what differs. It is never written to, and not deleted while a slot has a link to it.
 */
export type LowerTree = KeptSlot;

/** Of one repository: jobs may take turns on two branches. Those in use stay beside them. */
const KEPT_TREES = 2;
/** Beside a lower tree's files: it is not as it was made, so no more jobs are laid over it. */
const SPOILT = 'spoilt';

/** The lower trees of a repository that a job may be laid over, released last first, and those that are in the way. */
export function listLowerTrees(
  repository: string,
  wanted = true,
): { useful: LowerTree[]; useless: string[] } {
  const { kept, strange } = listKept(join(repository, 'lower'));
  const sound = wanted ? kept.filter(({ path }) => !existsSync(join(path, SPOILT))) : [];
  const useful = sound.slice(0, KEPT_TREES);
  const useless = kept.filter((tree) => !useful.includes(tree)).map(({ path }) => path);
  return { useful, useless: [...useless, ...strange] };
}

/** Those at a commit first; the others as they are. */
export const nearestFirst = (trees: readonly LowerTree[], commit: string): LowerTree[] =>
  trees.toSorted((one, other) => Number(other.commit === commit) - Number(one.commit === commit));

/**
 * Links a new slot to the lower tree that it is laid over, and makes its upper directory. False when the tree was
 * thrown away a moment before.
 */
export function layOver(slotDirectory: string, tree: LowerTree): boolean {
  const slot = overlaySlotLayout(slotDirectory);
  symlinkSync(join('..', '..', 'lower', basename(tree.path)), slot.lower);
  for (const directory of [slot.upper, slot.work]) mkdirSync(directory);
  return existsSync(tree.path);
}

/**
 * Makes a scrubbed slot a lower tree, unless there is one that was made later than the slot was: then the slot's job
 * had only been too early for it. `madeAt` is in milliseconds since the epoch. True when it was made one.
 */
export function becomeLowerTree(
  slotDirectory: string,
  commit: string,
  size: SlotSize,
  madeAt: number,
): boolean {
  const trees = lowerTreesOf(slotDirectory);
  const { useful } = listLowerTrees(dirname(trees));
  if (useful.some(({ releasedAt }) => releasedAt >= madeAt)) return false;
  mkdirSync(trees, { recursive: true, mode: 0o700 });
  renameSync(slotDirectory, join(trees, nameOf({ ...size, commit, releasedAt: Date.now() })));
  return true;
}

/** Deletes a lower tree that no slot has a link to. */
export const discardLowerTree = (tree: string): Promise<void> => discardUnless(tree, () => isInUse(tree));

/** Spoils the lower tree of a slot unless it is as it was made: each file by its hash, each directory by its stamp. */
export async function proveLowerTree(
  slotDirectory: string,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<void> {
  const { lower: link, gitDirectory } = slotLayout(slotDirectory);
  // By its name: an agent without a sandbox may have put another link there.
  const lower = join(lowerTreesOf(slotDirectory), basename(await readlink(link).catch(() => '')));
  if (!isCheckout(slotLayout(lower).checkout)) return;
  const tree = { ...slotLayout(lower), gitDirectory };
  const proven = await isAsMade(tree, environment, signal).catch(() => false);
  const mark = join(lower, SPOILT);
  if (!proven && !existsSync(mark)) writeFileSync(mark, '');
}

async function isAsMade(
  tree: SlotLayout,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<boolean> {
  const index = join(tree.gitDirectory, 'proof-index');
  copyRegularFile(tree.idleIndex, index);
  // Of an index that is older than its files git believes no time, and reads each of them: git's racy-git.txt.
  utimesSync(index, 1, 1);
  const compared = await findIndexChanges(slotContext(tree, environment, signal, index));
  if (!compared.ok) return false;
  const { changed, removed } = compared.changes;
  const stamps = [...readStamps(tree)];
  const areStamped = stamps.every(([path, stamp]) =>
    isStamped(lstatSync(absolutePath(tree.checkout, path)), stamp),
  );
  return changed.length + removed.length === 0 && stamps.length > 0 && areStamped;
}

/** A link that cannot be read may well lead here. */
function isInUse(tree: string): boolean {
  const slots = join(dirname(dirname(tree)), 'slots');
  return existsSync(slots) && readdirSync(slots).some((name) => leadsTo(tree, join(slots, name)));
}

function leadsTo(tree: string, slotDirectory: string): boolean {
  try {
    return basename(readlinkSync(slotLayout(slotDirectory).lower)) === basename(tree);
  } catch (error) {
    return !['ENOENT', 'ENOTDIR', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}
