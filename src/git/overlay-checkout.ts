import { writeFileSync } from 'node:fs';
import { type BytePath, lookAt, pathList, splitRecords } from './byte-path.js';
import type { CallerEnvironment } from './environment.js';
import { type GitContext, runGit } from './git.js';
import { SUBMODULE_MODE } from './modes.js';
import { isHole, type MountWay, mountedWords } from './overlay.js';
import { overlaySlotLayout, slotContext, slotLayout } from './slot.js';

/** For git commands with the overlay of a slot mounted. */
export const mountedContext = (
  slotDirectory: string,
  way: MountWay,
  environment: CallerEnvironment,
  signal: AbortSignal,
): GitContext => ({
  ...slotContext(slotLayout(slotDirectory), environment, signal),
  wrapper: mountedWords(way, slotDirectory),
});

/** With more paths that differ, an ordinary checkout is as fast, and becomes the next lower tree. */
const MAX_DIFFERING = 1_000;

/**
 * Brings a commit into the checkout of a slot that is laid over a lower tree, whose index the slot has already. Gives
 * the paths that differ between the two; null when an ordinary checkout is called for.
 */
export async function bringOver(
  slotDirectory: string,
  commit: string,
  mounted: GitContext,
): Promise<BytePath[] | null> {
  const differing = await findDiffering({ ...mounted, wrapper: [] }, commit);
  if (differing === null) return null;
  writeFileSync(overlaySlotLayout(slotDirectory).differing, pathList(differing));
  // Of the entries that stay the same none is looked at.
  const brought = await runGit(mounted, ['read-tree', '-m', '-u', commit]);
  return brought.ok ? differing : null;
}

async function findDiffering(context: GitContext, commit: string): Promise<BytePath[] | null> {
  const compared = await runGit(context, ['diff-index', '--cached', '--raw', '--no-renames', '-z', commit]);
  if (!compared.ok) return null;
  const records = splitRecords(compared.stdout);
  // Records come in pairs: `:mode mode id id status`, path.
  const descriptions = records.filter((_, at) => at % 2 === 0);
  const fits =
    descriptions.length <= MAX_DIFFERING &&
    !descriptions.some((each) => each.slice(0, 14).includes(SUBMODULE_MODE));
  return fits ? records.filter((_, at) => at % 2 === 1) : null;
}

/**
 * What lies at a path of an overlay's checkout, seen from outside the mount. What an agent put in the place of a whole
 * directory is not told from what lay there before.
 */
export function kindAt(slotDirectory: string, path: BytePath): 'directory' | 'nothing' | 'other' {
  const { upper, lower } = overlaySlotLayout(slotDirectory);
  const below = slotLayout(lower).checkout;
  const names = path.split('/').filter((name) => name !== '');
  for (let depth = 1; depth <= names.length; depth += 1) {
    const place = names.slice(0, depth).join('/');
    const found = lookAt(upper, place) ?? lookAt(below, place);
    if (found === undefined || isHole(found)) return 'nothing';
    if (!found.isDirectory()) return 'other';
  }
  return 'directory';
}
