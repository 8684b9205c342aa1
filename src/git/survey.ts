import { type Outcome, refuse, succeed } from '../errors.js';
import { type Additions, readAdditions } from './additions.js';
import { readStamps } from './directory-stamps.js';
import type { CallerEnvironment } from './environment.js';
import { explain } from './explain.js';
import { compareDuring, type IndexChanges } from './index-changes.js';
import { type IndexListing, listIndex } from './index-listing.js';
import { isCheckout, layoutOf, type SlotLayout, slotContext } from './slot.js';
import { searchTracked, sortTracked, type Tracked } from './tracked.js';
import { type WalkedTree, walkTree } from './tree-walk.js';
import { isOverlay, readUpper } from './upper-layer.js';

/** Everything in which a checkout is another than the baseline that our trusted index tells of. */
export interface Survey {
  index: IndexListing;
  additions: Additions;
  tracked: Tracked;
  /** What became of the baseline's files. */
  changes: IndexChanges;
  /** What else lies there. */
  walked: WalkedTree;
}

const SURVEYING = "reading the agent's changes";
const WRITTEN_OVER =
  'What was written down of the worktree before the agent ran was changed since, so its patch cannot be told.';

type Compared = Awaited<ReturnType<typeof compareDuring<WalkedTree>>>;

/**
 * Looks through a checkout once, for all that is done with it after its job. Call it when the agent's processes
 * are dead: nobody else may write to the checkout from here until the last use of the answer. `commit` is the
 * baseline. Refuses with `patch_failed` or `git_not_found`.
 */
export async function surveyCheckout(
  slot: SlotLayout,
  commit: string,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<Outcome<Survey>> {
  if (!isCheckout(slot.checkout)) {
    return refuse('patch_failed', { message: 'The worktree is gone, so there is nothing to capture.' });
  }
  const context = slotContext(slot, environment, signal);
  const listed = await listIndex(context, commit);
  if (!listed.ok) return explain(listed, 'patch_failed', SURVEYING);
  const { index } = listed;
  const additions = readAdditions(slot);
  if (additions === null) return refuse('patch_failed', { message: WRITTEN_OVER });
  const plain = index.read?.odd().length === 0 ? index.read : null;
  const tracked = isOverlay(slot) && plain ? searchTracked(plain) : sortTracked(index, additions);
  const { walked, found } = isOverlay(slot)
    ? await readUpper(slot, tracked)
    : addHidden(tracked, await compareDuring(context, () => walkTree(slot, tracked, readStamps(slot))));
  if (!found.ok) return explain(found, 'patch_failed', SURVEYING);
  return succeed({ index, additions, tracked, changes: found.changes, walked });
}

/**
 * What lay in a directory in whose place something else lies is gone. Where that is a link in which nothing can be
 * looked up, as in one to itself, git passes its files over.
 */
function addHidden(tracked: Tracked, { walked, found }: Compared): Compared {
  const hiding = walked.untracked.filter((path) => tracked.directories.has(path));
  if (!found.ok || hiding.length === 0) return { walked, found };
  const { changed, removed } = found.changes;
  const hidden = hiding.flatMap((path) => tracked.files.below(path));
  return {
    walked,
    found: { ok: true, changes: { changed, removed: [...new Set([...removed, ...hidden])] } },
  };
}

/**
 * A survey for a capture and a release that follow one another. None where it failed: each of them then makes
 * its own, and tells why it cannot. Never rejects.
 */
export async function surveySlot(
  slotDirectory: string,
  commit: string,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<Survey | undefined> {
  try {
    const survey = await surveyCheckout(layoutOf(slotDirectory), commit, environment, signal);
    return survey.ok ? survey.value : undefined;
  } catch {
    return undefined;
  }
}
