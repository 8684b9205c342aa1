import { type LargeFile, writeAdditions } from './additions.js';
import type { Baseline } from './baseline.js';
import type { Caller } from './caller.js';
import type { CallerEnvironment } from './environment.js';
import type { GitFailure } from './git.js';
import { copyIncluded } from './included-files.js';
import { listIndex } from './index-listing.js';
import { restoreLargeFiles } from './large-files.js';
import { type SlotLayout, slotContext } from './slot.js';
import { checkOutSubmodules } from './submodules.js';
import { unparkWarm } from './warm-directories.js';

/**
 * Adds to a fresh checkout what a commit alone does not have: submodules, the content of git-lfs files, the
 * ignored files that the caller wants in it, and the directories that were kept warm for it. Writes down what was added, and warns of what could not be.
 */
export async function furnishCheckout(
  slot: SlotLayout,
  caller: Caller,
  { absent, included }: Baseline,
  warmPaths: readonly string[],
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<{ ok: true; largeFiles: LargeFile[]; warnings: string[] } | GitFailure> {
  const listed = await listIndex(slotContext(slot, environment, signal), caller.headCommit);
  if (!listed.ok) return listed;
  const paths = listed.entries.map(({ path }) => path);
  const gitlinks = listed.entries.flatMap(({ path, commit }) => (commit === null ? [] : [{ path, commit }]));
  const { submodules, warnings } = await checkOutSubmodules(slot, caller, gitlinks, environment, signal);
  const restored = await restoreLargeFiles(slot, caller, paths, environment, signal);
  if (!restored.ok) return restored;
  const copied = copyIncluded(caller.repository.root, slot.checkout, included);
  writeAdditions(slot, {
    included: copied.paths,
    largeFiles: restored.largeFiles,
    submodules,
    sparse: absent.length > 0,
  });
  await unparkWarm(slot, paths, warmPaths, environment, signal);
  const { largeFiles } = restored;
  return { ok: true, largeFiles, warnings: [...warnings, ...restored.warnings, ...copied.warnings] };
}
