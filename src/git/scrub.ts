import { lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { readAdditions } from './additions.js';
import { pathList } from './byte-path.js';
import { type GitContext, runGit } from './git.js';
import { compareDuring } from './index-changes.js';
import { type IndexEntry, readIndexEntries } from './index-file.js';
import { expectedOf, removeExtras } from './scrub-walk.js';
import type { SlotLayout } from './slot.js';
import { haveAttributes, isWorkedIn } from './system.js';

/** Room that an idle slot takes. */
export interface SlotSize {
  bytes: number;
  inodes: number;
}

const BLOCK_BYTES = 4_096;

/**
 * Makes the checkout of a slot as new: nothing is in it but the baseline's files, byte for byte, with fresh
 * inodes where anything about one was changed. Our trusted index, which the agent never saw, says what that
 * is: an agent can change neither a file nor its mode, owner, links or attributes without its change time,
 * and what differs from the index in that is written anew. Gives the slot's size, and null on any doubt:
 * then the slot is fit for the trash only. Each step must find the slot as the step before left it.
 */
export async function scrubSlot(
  slot: SlotLayout,
  baselineCommit: string,
  context: GitContext,
  prove: boolean,
): Promise<SlotSize | null> {
  try {
    // Fails when it is there: an earlier scrub was broken off, and what it started may still be at work.
    mkdirSync(slot.scrub);
    const index = readFileSync(slot.index);
    const entries = readIndexEntries(index, baselineCommit.length / 2);
    if (entries === null || entries.some(({ kind, special }) => special || kind === 'submodule')) return null;
    const { largeFiles, submodules, sparse } = readAdditions(slot);
    if (largeFiles.length > 0 || submodules.length > 0 || sparse) return null;
    if (isWorkedIn(slot.checkout)) return null;
    const made = lstatSync(slot.made);
    const expected = expectedOf(entries, made.ctimeMs);
    const { walked, found } = await compareDuring(context, () =>
      removeExtras(slot.checkout, expected, slot.scrub, made.ctimeMs),
    );
    if (!found.ok) return null;
    const { changed, removed } = found.changes;
    const [restored, marked] = await Promise.all([
      // Also where nothing changed: the index that it writes is later than its files, so the next job's git
      // need not read them.
      runGit(
        context,
        ['checkout-index', '--force', '--index', '--quiet', '-z', '--stdin'],
        pathList([...changed, ...removed, ...walked.removed]),
      ),
      haveAttributes(walked.touched),
    ]);
    if (!restored.ok || marked) return null;
    if (prove && !(await isProven(baselineCommit, slot, context))) return null;
    return { bytes: index.length + sizeOf(entries), inodes: entries.length + expected.directories.size };
  } catch {
    return null;
  }
}

const sizeOf = (entries: readonly IndexEntry[]): number =>
  entries.reduce((sum, { bytes }) => sum + Math.max(1, Math.ceil(bytes / BLOCK_BYTES)) * BLOCK_BYTES, 0);

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
