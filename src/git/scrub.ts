import { randomUUID } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, renameSync, type Stats, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { absolutePath, type BytePath, lookAt, pathList } from './byte-path.js';
import { writeStamps } from './directory-stamps.js';
import { type GitContext, runGit } from './git.js';
import type { IndexContent } from './index-file.js';
import type { SlotLayout } from './slot.js';
import { roomOf, type SlotSize } from './slot-size.js';
import type { Survey } from './survey.js';
import { haveAttributes, isLeft } from './system.js';
import { PERMISSIONS } from './tree-walk.js';
import { parkWarm } from './warm-directories.js';

/**
 * Makes the checkout of a slot as new: nothing is in it but the baseline's files, byte for byte, with fresh
 * inodes where anything about one was changed. Our trusted index, which the agent never saw, says what that
 * is: an agent can change neither a file nor its mode, owner, links or attributes without its change time,
 * and what differs from the index in that is written anew. Gives the slot's size, and null on any doubt:
 * then the slot is fit for the trash only. The directories `warm` are put aside, whatever is in them. Each step must
 * find the slot as the step before left it.
 */
export async function scrubSlot(
  slot: SlotLayout,
  { index, additions, tracked, changes, walked }: Survey,
  baselineCommit: string,
  context: GitContext,
  { prove, warm }: { prove: boolean; warm: readonly BytePath[] },
): Promise<SlotSize | null> {
  try {
    // Fails when it is there: an earlier scrub was broken off, and what it started may still be at work.
    mkdirSync(slot.scrub);
    if (index.read === null || index.read.odd().length > 0) return null;
    if (additions.largeFiles.length + additions.submodules.length > 0 || additions.sparse) return null;
    if (walked.unfit || !(await isLeft(slot.checkout))) return null;
    putRight(slot, walked.unlike);
    parkWarm(slot, warm);
    removeExtra(slot, walked.extra, warm);
    const young = removeYoung(slot, index.read);
    const [restored, marked] = await Promise.all([
      // Also where nothing changed: the index that it writes is later than its files, so the next job's git
      // need not read them.
      runGit(
        context,
        ['checkout-index', '--force', '--index', '--quiet', '-z', '--stdin'],
        pathList([...changes.changed, ...changes.removed, ...young]),
      ),
      haveAttributes(
        walked.touched.map((path) => absolutePath(slot.checkout, path)),
        slot.scrub,
      ),
    ]);
    if (!restored.ok || marked) return null;
    if (prove && !(await isProven(baselineCommit, slot, context))) return null;
    writeStamps(slot, tracked.directories.keys(), walked.unchanged);
    return {
      bytes: statSync(slot.index).size + sum(index.read.sizes().map(roomOf)),
      inodes: index.read.length + tracked.directories.size,
    };
  } catch {
    return null;
  }
}

/** Outer directories come first, so that the way to the inner ones is open. */
function putRight(slot: SlotLayout, directories: readonly BytePath[]): void {
  const permissions = lstatSync(slot.scrub).mode & PERMISSIONS;
  for (const path of directories) chmodSync(absolutePath(slot.checkout, path), permissions);
}

/** Directories go by a rename: how much is in one does not matter. */
function removeExtra(
  slot: SlotLayout,
  { files, directories }: Survey['walked']['extra'],
  parked: readonly BytePath[],
): void {
  for (const path of files) unlinkSync(absolutePath(slot.checkout, path));
  for (const path of directories.filter((each) => !parked.includes(each))) {
    const absolute = absolutePath(slot.checkout, path);
    // A directory that its owner may not write to cannot be moved, for its `..` would change.
    chmodSync(absolute, 0o700);
    renameSync(absolute, join(slot.scrub, randomUUID()));
  }
}

/**
 * Files that were written in the second in which the checkout was finished. git compares whole seconds, so it
 * does not see when the mode, the names or the attributes of one are changed in that same second. Those that
 * were touched go, to be written anew.
 */
function removeYoung(slot: SlotLayout, index: IndexContent): BytePath[] {
  const finished = lstatSync(slot.made).ctimeMs;
  const second = Math.floor(finished / 1_000);
  const isTouched = (found: Stats | undefined) => found !== undefined && found.ctimeMs >= finished;
  const young = index.changedSince(second).filter((path) => isTouched(lookAt(slot.checkout, path)));
  for (const path of young) unlinkSync(absolutePath(slot.checkout, path));
  return young;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);

/**
 * The whole proof, which reads every file: an empty index, everything that lies in the checkout added, gives
 * the baseline's tree.
 */
async function isProven(baselineCommit: string, slot: SlotLayout, context: GitContext): Promise<boolean> {
  const environment = { ...context.environment, GIT_INDEX_FILE: `${slot.scrub}/proof-index` };
  const empty = { ...context, environment };
  const added = await runGit(empty, ['add', '--all', '--force', '.']);
  if (!added.ok) return false;
  const [found, wanted] = await Promise.all([
    runGit(empty, ['write-tree']),
    runGit(context, ['rev-parse', '--verify', `${baselineCommit}^{tree}`]),
  ]);
  return found.ok && wanted.ok && found.stdout.equals(wanted.stdout);
}
