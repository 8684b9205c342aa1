import { mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Baseline } from './baseline.js';
import type { Caller } from './caller.js';
import { checkOut } from './checkout.js';
import type { CallerEnvironment } from './environment.js';
import type { GitContext, GitFailure } from './git.js';
import { copyIndex } from './git-directory.js';
import { hasLargeFileRule, namesLargeFiles } from './large-files.js';
import { type LowerTree, layOver, listLowerTrees, nearestFirst } from './lower-tree.js';
import type { MountWay } from './overlay.js';
import { bringOver, kindAt, mountedContext } from './overlay-checkout.js';
import { removeWorktree } from './removal.js';
import { isCheckout, layoutOf, lowerTreesOf, type SlotLayout, slotContext, slotLayout } from './slot.js';
import type { KeptSlot } from './slot-name.js';
import { claimIdleSlot, putBack } from './slot-pool.js';
import { runQuietly } from './system.js';

/** What a checkout starts from. */
export type Ground =
  | { kind: 'lower'; tree: LowerTree; way: MountWay }
  /** An idle slot was taken. */
  | { kind: 'idle'; slot: KeptSlot }
  | { kind: 'nothing' };

/** The grounds that there are for a slot to be, the fastest first; the last is always there. */
export function* groundsOf(
  slotDirectory: string,
  baseCommit: string,
  { way, warm }: { way: MountWay | null; warm: boolean },
): Generator<Ground> {
  if (way !== null) {
    const trees = listLowerTrees(dirname(lowerTreesOf(slotDirectory)));
    for (const tree of nearestFirst(trees.useful, baseCommit)) yield { kind: 'lower', tree, way };
  }
  const slot = warm ? claimIdleSlot(slotDirectory, baseCommit) : null;
  if (slot !== null) yield { kind: 'idle', slot };
  yield { kind: 'nothing' };
}

/** Makes the directory of a slot, with a place for its checkout. False when the ground is gone. */
export async function makeSlotDirectory(directory: string, ground: Ground): Promise<boolean> {
  if (ground.kind === 'idle') return isCheckout(slotLayout(directory).checkout);
  const slots = join(directory, '..');
  const firstMade = mkdirSync(slots, { recursive: true, mode: 0o700 });
  // ext4 then spreads the slots over the disk: without it, creating files where many were just deleted is
  // up to forty times slower on an ext4 without journal. Elsewhere it fails, which is as good.
  if (firstMade !== undefined) await runQuietly('chattr', ['+T', slots]);
  mkdirSync(directory, { mode: 0o700 });
  mkdirSync(slotLayout(directory).checkout);
  return ground.kind === 'nothing' || layOver(directory, ground.tree);
}

/** Ends the use of a slot in which no index was taken yet: an idle one is as good as before, for whoever comes next. */
export async function leaveGround(directory: string, ground: Ground): Promise<void> {
  if (ground.kind === 'idle') putBack(directory, ground.slot);
  else await removeWorktree(directory);
}

/** The trusted index of what the checkout starts from: of an idle slot its own, of a lower tree a copy. */
export function takeIndex(slot: SlotLayout, ground: Ground): void {
  if (ground.kind === 'idle') renameSync(slot.idleIndex, slot.index);
  else if (ground.kind === 'lower') copyIndex(slotLayout(ground.tree.path).idleIndex, slot.index);
}

/** For git commands that change files of the checkout: they must see all of it. */
export const wholeContext = (
  directory: string,
  ground: Ground,
  environment: CallerEnvironment,
  signal: AbortSignal,
): GitContext =>
  ground.kind === 'lower'
    ? mountedContext(directory, ground.way, environment, signal)
    : slotContext(slotLayout(directory), environment, signal);

/** Brings the baseline into the checkout. Null when it takes another ground. */
export async function layBaseline(
  directory: string,
  ground: Ground,
  { repository }: Caller,
  { commit, absent, included }: Baseline,
  context: GitContext,
): Promise<{ ok: true } | GitFailure | null> {
  if (ground.kind !== 'nothing' && absent.length > 0) return null;
  // Writes what differs from the index: everything, or what changed since the slot's last job.
  if (ground.kind === 'nothing') return checkOut(context, commit, absent);
  if (ground.kind === 'idle')
    return commit === ground.slot.commit ? { ok: true } : checkOut(context, commit, []);
  if (hasLargeFileRule(repository)) return null;
  const differing = commit === ground.tree.commit ? [] : await bringOver(directory, commit, context);
  if (differing === null || namesLargeFiles(layoutOf(directory).checkout, differing)) return null;
  return included.every((path) => kindAt(directory, path) === 'nothing') ? { ok: true } : null;
}
