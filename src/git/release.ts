import { readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CallerEnvironment } from './environment.js';
import { discardParts, removeWorktree } from './removal.js';
import { scrubSlot } from './scrub.js';
import { slotContext, slotLayout } from './slot.js';
import { putIdle, trimPool } from './slot-pool.js';
import { type Survey, surveySlot } from './survey.js';

export interface ReleasePlan {
  slotDirectory: string;
  /** Commit that the checkout was made from; null when none was finished. */
  baselineCommit: string | null;
  /** Idle slots that may be kept of one repository; 0 keeps none. */
  warmSlots: number;
  environment: CallerEnvironment;
  signal: AbortSignal;
  /** What the checkout differs in, where that is known. */
  survey?: Survey | undefined;
  /** Reads every file again to prove that the slot is as new; else one release in `PROOF_EVERY` does. */
  prove?: boolean;
}

const PROOF_EVERY = 50;
let releases = 0;

/**
 * Ends a job's use of its slot. A slot that is provably as new stays for the next job, with nothing in it but
 * the baseline's files and their index; any other is removed. Either way the job's worktree is gone
 * afterwards. Call it when the agent's processes are dead and the patch is captured; safe to call again.
 * Never rejects.
 */
export async function releaseWorktree(plan: ReleasePlan): Promise<'kept' | 'removed'> {
  const kept = plan.warmSlots > 0 && plan.baselineCommit !== null && (await keep(plan, plan.baselineCommit));
  if (!kept) await removeWorktree(plan.slotDirectory);
  return kept ? 'kept' : 'removed';
}

async function keep(plan: ReleasePlan, commit: string): Promise<boolean> {
  const slot = slotLayout(plan.slotDirectory);
  releases += 1;
  const prove = plan.prove ?? releases % PROOF_EVERY === 0;
  const context = slotContext(slot, plan.environment, plan.signal);
  const survey = plan.survey ?? (await surveySlot(plan.slotDirectory, commit, plan.environment, plan.signal));
  if (survey === undefined) return false;
  const size = await scrubSlot(slot, survey, commit, context, prove);
  if (size === null) return false;
  try {
    await rename(slot.index, slot.idleIndex);
    await emptyBut(plan.slotDirectory, [slot.checkout, slot.idleIndex, slot.stamps]);
    await putIdle(plan.slotDirectory, commit, size);
    await trimPool(dirname(dirname(dirname(plan.slotDirectory))), plan.warmSlots);
    return true;
  } catch {
    return false;
  }
}

/** Our git directory goes whole, with its objects and refs, and the next job's is made from nothing. */
async function emptyBut(directory: string, kept: readonly string[]): Promise<void> {
  const paths = (await readdir(directory)).map((name) => join(directory, name));
  await discardParts(
    directory,
    paths.filter((path) => !kept.includes(path)),
  );
}
