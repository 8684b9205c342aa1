import { type Outcome, succeed } from '../errors.js';
import { writeAdditions } from './additions.js';
import { applyPatch, type KeptPatch } from './apply-patch.js';
import type { Baseline } from './baseline.js';
import type { BytePath } from './byte-path.js';
import type { Caller } from './caller.js';
import type { CallerEnvironment } from './environment.js';
import { explain } from './explain.js';
import type { GitContext } from './git.js';
import { copyIncluded } from './included-files.js';
import { listIndex } from './index-listing.js';
import { findLargeFiles, restoreLargeFiles } from './large-files.js';
import { type SlotLayout, slotContext } from './slot.js';
import { checkOutSubmodules } from './submodules.js';
import { unparkWarm } from './warm-directories.js';

const FURNISHING = 'furnishing the worktree';

/** What a checkout is furnished for, and with. */
export interface Furnishing {
  baseline: Baseline;
  /** Set when it goes on from an earlier job. */
  patch: KeptPatch | null;
  /** Directories that an earlier job may have left; see `findWarm`. */
  warmPaths: readonly string[];
}

/**
 * Adds to a fresh checkout what its commit alone does not have: the patch of the earlier job, submodules, the content
 * of git-lfs files, the ignored files that the caller wants in it, and the directories that were kept warm for it.
 * Writes down what was added, and warns of what could not be. Gives the git-lfs files whose content lies there now.
 * `whole` is for git commands that change files. Refuses as `applyPatch` does, and with `worktree_failed`.
 */
export async function furnishCheckout(
  slot: SlotLayout,
  caller: Caller,
  { baseline, patch, warmPaths }: Furnishing,
  whole: GitContext,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<Outcome<{ restored: BytePath[]; warnings: string[] }>> {
  const listed = await listIndex(slotContext(slot, environment, signal), caller.headCommit);
  if (!listed.ok) return explain(listed, 'worktree_failed', FURNISHING);
  const { index } = listed;
  const gitlinks = index.odd().flatMap(({ path, commit }) => (commit === null ? [] : [{ path, commit }]));
  const pointers = await findLargeFiles(slot, caller, index, environment, signal);
  if (!pointers.ok) return explain(pointers, 'worktree_failed', FURNISHING);
  // Before files of the baseline give way to what a patch knows nothing of.
  const patched = patch === null ? succeed([]) : await applyPatch(patch, slot, whole);
  if (!patched.ok) return patched;
  const { submodules, warnings } = await checkOutSubmodules(slot, caller, gitlinks, environment, signal);
  const { restored, replaced, ...missing } = await restoreLargeFiles(slot, caller, pointers.largeFiles);
  const copied = copyIncluded(caller.repository.root, slot.checkout, baseline.included);
  writeAdditions(slot, {
    included: copied.paths,
    continued: patched.value,
    largeFiles: [...restored, ...replaced],
    submodules,
    sparse: baseline.absent.length > 0,
  });
  await unparkWarm(slot, index, warmPaths, environment, signal);
  return succeed({
    restored: restored.map(({ path }) => path),
    warnings: [...warnings, ...missing.warnings, ...copied.warnings],
  });
}
