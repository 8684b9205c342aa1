import { lstatSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CallerEnvironment } from './environment.js';
import { ATTRIBUTES, namesLargeFiles } from './large-files.js';
import { becomeLowerTree, proveLowerTree } from './lower-tree.js';
import { openWork } from './overlay.js';
import { discard, emptyTrashSoon, removeWorktree } from './removal.js';
import { scrubSlot } from './scrub.js';
import { isCheckout, isOverlaySlot, overlaySlotLayout, slotContext, slotLayout } from './slot.js';
import { emptyForIdle, type PoolBounds, putIdle, trimPool } from './slot-pool.js';
import { type Survey, surveySlot } from './survey.js';
import { findWarm } from './warm-directories.js';

export interface ReleasePlan extends PoolBounds {
  slotDirectory: string;
  /** Commit that the checkout was made from; null when none was finished. */
  baselineCommit: string | null;
  environment: CallerEnvironment;
  signal: AbortSignal;
  /** What the checkout differs in, where that is known. */
  survey?: Survey | undefined;
  /** Proves that the slot, or what it was laid over, is as new; else one release in `PROOF_EVERY` does. */
  prove?: boolean;
  /** Directories that stay for the next job; see `findWarm`. Not where overlays may be laid over the slot. */
  warmPaths?: readonly string[];
}

const PROOF_EVERY = 50;
let releases = 0;

/**
 * Ends a job's use of its slot. A slot that is provably as new stays for the next job, with nothing in it but the
 * baseline's files, their index, and the directories that are to be kept warm; any other is removed. Either way the
 * job's worktree is gone afterwards. Call it when the agent's processes are dead and the patch is captured; safe to
 * call again. Never rejects.
 */
export async function releaseWorktree(plan: ReleasePlan): Promise<'kept' | 'removed'> {
  const answer = await giveUp(plan).catch(() => removeAll(plan));
  // Also where nothing was done: an earlier call may have died with its thread, and what it threw away lies there.
  emptyTrashSoon(plan.slotDirectory);
  return answer;
}

/** After a fault on the way, as of a full disk: by now the patch is captured, which is not lost for it. */
async function removeAll({ slotDirectory }: ReleasePlan): Promise<'removed'> {
  await removeWorktree(slotDirectory);
  return 'removed';
}

async function giveUp(plan: ReleasePlan): Promise<'kept' | 'removed'> {
  if (isOverlaySlot(plan.slotDirectory)) {
    await endOverlay(plan);
    return 'removed';
  }
  const mayKeep = plan.warmSlots > 0 || plan.overlay;
  const kept = mayKeep && plan.baselineCommit !== null && (await keep(plan, plan.baselineCommit));
  if (!kept) await removeWorktree(plan.slotDirectory);
  return kept ? 'kept' : 'removed';
}

async function keep(plan: ReleasePlan, commit: string): Promise<boolean> {
  const slot = slotLayout(plan.slotDirectory);
  const context = slotContext(slot, plan.environment, plan.signal);
  const survey = plan.survey ?? (await surveySlot(plan.slotDirectory, commit, plan.environment, plan.signal));
  if (survey === undefined) return false;
  const wanted = plan.overlay ? [] : (plan.warmPaths ?? []);
  const warm = await findWarm(slot, survey, wanted, plan.environment, plan.signal);
  const scrubbed = await scrubSlot(slot, survey, commit, context, {
    prove: isToProve(plan),
    warm: warm.paths,
  });
  if (scrubbed === null) return false;
  const size = { bytes: scrubbed.bytes + warm.bytes, inodes: scrubbed.inodes + warm.inodes };
  try {
    const madeAt = lstatSync(slot.made).ctimeMs;
    const fit = plan.overlay && !namesLargeFiles(slot.checkout, survey.index.named(ATTRIBUTES));
    renameSync(slot.index, slot.idleIndex);
    emptyForIdle(plan.slotDirectory);
    const lower = fit && becomeLowerTree(plan.slotDirectory, commit, size, madeAt);
    if (!lower && plan.warmSlots === 0) return false;
    if (!lower) putIdle(plan.slotDirectory, commit, size);
    await trimPool(repositoriesOf(plan), plan);
    return true;
  } catch {
    return false;
  }
}

const isToProve = (plan: ReleasePlan): boolean => {
  releases += 1;
  return plan.prove ?? releases % PROOF_EVERY === 0;
};

const repositoriesOf = (plan: ReleasePlan): string => dirname(dirname(dirname(plan.slotDirectory)));

/** Whatever the agent left lies in the upper directory, which goes whole. The tree below serves the next job. */
async function endOverlay(plan: ReleasePlan): Promise<void> {
  if (isCheckout(overlaySlotLayout(plan.slotDirectory).checkout)) {
    if (isToProve(plan)) await proveLowerTree(plan.slotDirectory, plan.environment, plan.signal);
    openWork(plan.slotDirectory);
  }
  await discard(plan.slotDirectory);
  await trimPool(repositoriesOf(plan), plan);
}
