import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type GitContext, type GitFailure, runGit } from './git.js';
import { lendersOf, quoted } from './lenders.js';
import { readRegularFile } from './regular-file.js';
import { discardUnless } from './removal.js';

/** Files that hold objects; what else git keeps beside them is made from these, or is about to be one. */
const PACK_FILE = /^pack-[0-9a-f]{40,64}\.(pack|idx|rev)$/;
const LOOSE_OBJECT = /^[0-9a-f]{38,62}$/;
const LOOSE_DIRECTORY = /^[0-9a-f]{2}$/;
/** In a slot: the mirror that it borrows from, as soon as that is known. */
const BORROWED = 'borrowed';
/** In a mirror: the object directory that it is of. */
const SOURCE = 'source';
const MAX_PATH_BYTES = 64 * 1024;
const MAX_LIST_BYTES = 64 * 1024;
const DIRECTORIES_PER_TURN = 16;
/** Packs that vanish while they are linked were replaced by another, which the next look finds. */
const MAX_LOOKS = 5;

/**
 * Gives an object directory that holds what the caller's holds now, and loses nothing when they run
 * `git gc --prune=now`, nor when those whom it borrows from do: a mirror of hard links beside the slots, one for all
 * jobs of the repository, with a part for each lender. A mirror only grows; once a pack was dropped, or the lenders are
 * others, a new one is begun, and the old one is deleted when no slot borrows from it. `slotDirectory` exists. Null where
 * links are impossible, on another disk or to another user's files, and where the lenders are not known.
 */
export async function mirrorObjects(from: string, slotDirectory: string): Promise<string | null> {
  const lenders = lendersOf(from);
  if (lenders === null) return null;
  const mirrors = join(dirname(dirname(slotDirectory)), 'mirrors');
  const names = namesIn(mirrors);
  const current = names.find((name) => isCurrent(from, lenders, join(mirrors, name)));
  const mirror = join(mirrors, current ?? randomUUID());
  // Before anything is waited for: from here on nobody deletes it.
  writeFileSync(join(slotDirectory, BORROWED), mirror);
  const isWhole = await linkAll(from, lenders, mirror);
  if (existsSync(mirror) && !existsSync(join(mirror, SOURCE))) writeFileSync(join(mirror, SOURCE), from);
  const older = names.filter((name) => name !== current).map((name) => join(mirrors, name));
  await Promise.all(older.map((each) => discardUnless(each, () => isBorrowed(each, dirname(slotDirectory)))));
  return isWhole ? mirror : null;
}

/**
 * Deletes the mirrors of a repository that is gone, as that of an ended job, but those that slots borrow from: nobody
 * would ever replace them, and they keep what those who lent have dropped. `repository` is the directory of its slots.
 */
export async function discardOrphans(repository: string): Promise<void> {
  const mirrors = namesIn(join(repository, 'mirrors')).map((name) => join(repository, 'mirrors', name));
  const orphans = mirrors.filter((mirror) => {
    const source = readRegularFile(join(mirror, SOURCE), MAX_PATH_BYTES);
    return source !== null && !existsSync(source.toString('utf8'));
  });
  const slots = join(repository, 'slots');
  await Promise.all(orphans.map((each) => discardUnless(each, () => isBorrowed(each, slots))));
}

/** Links what the caller's object directory, and those that it borrows from, hold by now into a mirror of it. */
export async function refreshMirror(from: string, mirror: string): Promise<void> {
  await linkAll(from, lendersOf(from) ?? [], mirror);
}

/** Each of the object directories that are mirrored, and its place in the mirror. */
const partsOf = (from: string, lenders: readonly string[], mirror: string): [string, string][] => [
  ...lenders.map((lender): [string, string] => [lender, join(mirror, partName(lender))]),
  [from, mirror],
];

const partName = (lender: string): string =>
  `lent-${createHash('sha256').update(lender).digest('hex').slice(0, 16)}`;

/** Where a mirror tells that it borrows from its own parts, and what it tells: both never change. */
const listFile = (mirror: string): string => join(mirror, 'info', 'alternates');
const listOf = (lenders: readonly string[]): string =>
  lenders.map((lender) => quoted(partName(lender))).join('');

function nameParts(lenders: readonly string[], mirror: string): void {
  const file = listFile(mirror);
  if (lenders.length === 0 || existsSync(file)) return;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, listOf(lenders));
}

async function linkAll(from: string, lenders: readonly string[], mirror: string): Promise<boolean> {
  nameParts(lenders, mirror);
  for (const [theirs, ours] of partsOf(from, lenders, mirror)) {
    if (!(await linkObjects(theirs, ours))) return false;
  }
  return true;
}

/** Whether a mirror is of just these, and they still have all of its packs, so that it holds no more than it should. */
function isCurrent(from: string, lenders: readonly string[], mirror: string): boolean {
  const list = readRegularFile(listFile(mirror), MAX_LIST_BYTES);
  if ((list?.toString('utf8') ?? '') !== listOf(lenders)) return false;
  return partsOf(from, lenders, mirror).every(([theirs, ours]) => {
    const packs = new Set(namesIn(join(theirs, 'pack')));
    return namesIn(join(ours, 'pack')).every((name) => packs.has(name));
  });
}

/** Throws for what is there and cannot be read: a mirror in use would be taken for one that nobody borrows from. */
function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** Gives `to` hard links of all objects in `from`, another object directory. False where links are impossible. */
export async function linkObjects(from: string, to: string): Promise<boolean> {
  try {
    mkdirSync(to, { recursive: true, mode: 0o700 });
    // Loose objects first: what gc packs meanwhile is in a pack that is listed after them.
    await mirrorLooseObjects(from, to);
    for (let look = 1; !linkNew(from, to, 'pack', PACK_FILE); look += 1) {
      if (look === MAX_LOOKS) return false;
    }
    // What was moved away meanwhile looked as if nothing were in it.
    return existsSync(from);
  } catch {
    return false;
  }
}

async function mirrorLooseObjects(from: string, mirror: string): Promise<void> {
  const names = readdirSync(from).filter((name) => LOOSE_DIRECTORY.test(name));
  let visited = 0;
  for (const name of names) {
    linkNew(from, mirror, name, LOOSE_OBJECT);
    visited += 1;
    if (visited % DIRECTORIES_PER_TURN === 0) await nextTurn();
  }
}

/** False when an entry vanished on the way. Synchronous: each step is short, and waiting for each costs more. */
function linkNew(from: string, mirror: string, name: string, wanted: RegExp): boolean {
  const [source, target] = [join(from, name), join(mirror, name)];
  const changedAt = wholeSeconds(source);
  if (changedAt === null || changedAt === wholeSeconds(target)) return true;
  mkdirSync(target, { recursive: true });
  const ours = new Set(readdirSync(target));
  const theirs = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isFile());
  const missing = theirs.filter(({ name }) => wanted.test(name) && !ours.has(name));
  const whole = missing
    .map((entry) => link(join(source, entry.name), join(target, entry.name)))
    .every(Boolean);
  // A time that is not yet past could be the time of a later change as well.
  const settled = whole && changedAt < Math.floor(Date.now() / 1000) - 1;
  utimesSync(target, 0, settled ? changedAt : 0);
  return whole;
}

function wholeSeconds(directory: string): number | null {
  const found = statSync(directory, { throwIfNoEntry: false });
  return found === undefined ? null : Math.floor(found.mtimeMs / 1000);
}

function link(source: string, target: string): boolean {
  try {
    linkSync(source, target);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Another thread links the same files.
    if (code === 'EEXIST') return true;
    if (code === 'ENOENT') return false;
    throw error;
  }
}

/** One file at a time: many jobs ask this at once, of many slots. What cannot be read may well borrow. */
function isBorrowed(mirror: string, slots: string): boolean {
  return namesIn(slots).some((name) => {
    const borrowed = join(slots, name, BORROWED);
    const content = readRegularFile(borrowed, MAX_PATH_BYTES);
    return content === null ? existsSync(borrowed) : content.toString('utf8') === mirror;
  });
}

/**
 * Packs the baseline's own objects, its commit and all of its files but no history, into `mirror`: for where
 * no mirror can be made. What a partial clone does not have was not needed for the checkout either.
 */
export async function packBaseline(
  context: GitContext,
  baseline: string,
  mirror: string,
): Promise<{ ok: true } | GitFailure> {
  rmSync(mirror, { recursive: true, force: true });
  mkdirSync(join(mirror, 'pack'), { recursive: true });
  const objects = ['--objects', '--no-object-names', '--missing=allow-any'];
  const listed = await runGit(context, ['rev-list', ...objects, '--no-walk', baseline]);
  if (!listed.ok) return listed;
  // No search for smaller deltas: the pack lives as long as one worktree.
  const packed = await runGit(
    context,
    ['pack-objects', '-q', '--window=0', '--delta-base-offset', join(mirror, 'pack', 'pack')],
    listed.stdout,
  );
  return packed.ok ? { ok: true } : packed;
}
