import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Worktree } from '../../machines/job.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import { type Baseline, takeBaseline } from './baseline.js';
import type { BytePath } from './byte-path.js';
import { type Caller, withCaller } from './caller.js';
import { warnOfFilters } from './caller-configuration.js';
import type { CallerEnvironment } from './environment.js';
import { explain, explainSystemError } from './explain.js';
import { furnishCheckout } from './furnish.js';
import {
  type Ground,
  groundsOf,
  layBaseline,
  leaveGround,
  makeSlotDirectory,
  takeIndex,
  wholeContext,
} from './ground.js';
import { areHeld } from './held-commits.js';
import { bringBaseline, type Continued, keepBaseline } from './kept-baseline.js';
import { hideLargeFiles } from './large-files.js';
import { promptLook } from './look.js';
import { mirrorObjects, packBaseline, refreshMirror } from './object-mirror.js';
import { findMountWay, NO_OVERLAY } from './overlay.js';
import { removeWorktree } from './removal.js';
import { findRepository } from './repository.js';
import { layoutOf, slotContext, slotDirectory, slotLayout } from './slot.js';
import { makeAgentGitDirectory, makeOwnGitDirectory } from './slot-git-directories.js';

export interface WorktreePlan {
  /** Directory that holds one directory a repository; absolute. */
  repositoriesDirectory: string;
  /** Name of the slot: the job's id. */
  slot: string;
  /** Directory inside the caller's checkout; absolute. */
  workspaceRoot: string;
  /** Shared git directory that the checkout must have, where that is known: the slot lies by it. */
  repository?: string;
  /** What to start from instead of HEAD: anything that `git rev-parse` takes for a commit. */
  baseRef: string | null;
  /** The caller's untracked files, if they are not ignored, come too. */
  includeUntracked: boolean;
  /** False leaves the caller's uncommitted changes out. */
  uncommitted?: boolean;
  /** The user's own clean filters apply while the baseline is taken. */
  cleanFilters: boolean;
  environment: CallerEnvironment;
  signal: AbortSignal;
  /** Takes an idle slot of the repository, when there is one. */
  warm: boolean;
  /** Directories of an earlier job that are wanted with an idle slot; see `findWarm`. */
  warmPaths?: readonly string[];
  /** Lays the checkout over a lower tree of the repository, when there is one and the machine can. */
  overlay: boolean;
  /** Where objects of a baseline that the caller's repository does not have are kept; see `kept-baseline.ts`. */
  keptObjects: string | null;
  /** The job to go on from: its baseline is this one's too, and its patch lies in the checkout. Null to begin anew. */
  continues: Continued | null;
}

/** A checkout, and how it stands to what the caller has. */
export interface MadeWorktree extends Worktree {
  baselineCommit: string;
  /** Commit that the caller's HEAD was at. */
  headCommit: string;
  /** Changes of the caller that should have come and could not. */
  left: BytePath[];
}

const REPLACED =
  'At the workspace root lies another repository than when the job was submitted, or the same one was moved. Submit the job again.';
const DROPPED = 'The commit that the job was to start from was removed from the repository meanwhile.';
const MAKING = 'making the worktree';

/**
 * Makes the private checkout of one job: the baseline's files, byte for byte, with a git directory of the
 * agent's own. Nothing of the caller's is written. Safe to call again: what an earlier call left of this
 * slot is removed first, and when this one fails or is stopped, so is all that it made. Refuses with the
 * codes of `findRepository`, and `base_ref_not_found`, `unmerged_index`, `repository_not_trusted`,
 * `git_not_found`, `cannot_continue`, `result_unreadable` or `worktree_failed`.
 */
export async function makeWorktree(plan: WorktreePlan): Promise<Outcome<MadeWorktree>> {
  const repository = await findRepository(plan.workspaceRoot, promptLook);
  if (!repository.ok) return repository;
  const { commonDirectory } = repository.value;
  if (commonDirectory !== (plan.repository ?? commonDirectory))
    return refuse('worktree_failed', { message: REPLACED });
  const directory = slotDirectory(plan.repositoriesDirectory, commonDirectory, plan.slot);
  await removeWorktree(directory);
  return withCaller(repository.value, plan, (caller) => makeFor(caller, directory, plan));
}

async function makeFor(
  asked: Caller,
  directory: string,
  plan: WorktreePlan,
): Promise<Outcome<MadeWorktree> | null> {
  const caller = { ...asked, baseCommit: plan.continues?.baselineCommit ?? asked.baseCommit };
  const way = plan.overlay ? await findMountWay(plan.repositoriesDirectory) : null;
  const warnings = plan.overlay && way === null ? [NO_OVERLAY] : [];
  for (const ground of groundsOf(directory, caller.baseCommit, { way, warm: plan.warm })) {
    const { made, isFinal } = await tryOn(ground, directory, caller, plan);
    if (made?.ok) return succeed({ ...made.value, warnings: [...made.value.warnings, ...warnings] });
    // Whatever is wrong with what other jobs left, a new slot may do.
    if (isFinal || ground.kind === 'nothing' || plan.signal.aborted) return made;
  }
  throw new Error('There was no ground to make a worktree on.');
}

interface Tried {
  /** Null where HEAD moved on meanwhile. */
  made: Outcome<MadeWorktree> | null;
  /** On another ground it would be the same. */
  isFinal: boolean;
}

/** Leaves nothing of the worktree when it fails. */
async function tryOn(ground: Ground, directory: string, caller: Caller, plan: WorktreePlan): Promise<Tried> {
  const spoilt = async (made: Outcome<MadeWorktree>): Promise<Tried> => {
    await removeWorktree(directory);
    return { made, isFinal: false };
  };
  let giveUp = () => leaveGround(directory, ground);
  try {
    if (!(await makeSlotDirectory(directory, ground))) return await spoilt(refuse('worktree_failed'));
    const begun = await begin(directory, caller, plan);
    if (!begun?.ok) {
      await giveUp();
      return { made: begun, isFinal: true };
    }
    giveUp = () => removeWorktree(directory);
    const made = await fillSlot(directory, caller, ground, begun.value, plan);
    return made.ok ? { made, isFinal: true } : await spoilt(made);
  } catch (error) {
    await giveUp().catch(() => removeWorktree(directory));
    return { made: explainSystemError(error, 'worktree_failed', MAKING), isFinal: false };
  }
}

interface Begun {
  baseline: Baseline;
  /** Null where none could be made. */
  mirror: string | null;
}

/** Takes the baseline, beside the ground: nothing of that is used yet. Null where HEAD moved on meanwhile. */
async function begin(directory: string, caller: Caller, plan: WorktreePlan): Promise<Outcome<Begun> | null> {
  const slot = layoutOf(directory);
  const callersObjects = join(caller.repository.commonDirectory, 'objects');
  const mirror = await mirrorObjects(callersObjects, directory);
  makeOwnGitDirectory(slot, caller, mirror ?? slot.mirror, plan.environment);
  const context = slotContext(slot, plan.environment, plan.signal);
  const found = plan.continues === null ? succeed(null) : await bringBaseline(plan.continues, slot, context);
  if (!found.ok) return found;
  const taken = await takeBaseline(caller, slot, plan, plan.environment, plan.signal);
  if (!taken?.ok) return taken;
  const baseline = taken.value;
  // A baseline that was made just now may have objects of the caller that are newer than the mirror.
  if (mirror !== null && baseline.commit !== caller.baseCommit) await refreshMirror(callersObjects, mirror);
  if (plan.keptObjects !== null) await keepBaseline(baseline.commit, slot, plan.keptObjects);
  return succeed({ baseline, mirror });
}

async function fillSlot(
  directory: string,
  caller: Caller,
  ground: Ground,
  { baseline, mirror }: Begun,
  plan: WorktreePlan,
): Promise<Outcome<MadeWorktree>> {
  const slot = layoutOf(directory);
  takeIndex(slot, ground);
  const context = slotContext(slot, plan.environment, plan.signal);
  const whole = wholeContext(directory, ground, plan.environment, plan.signal);
  const [laid, held] = await Promise.all([
    layBaseline(directory, ground, caller, baseline, whole),
    // Where the files lie there already, nobody else asks before the patch is taken.
    areHeld([caller.headCommit, caller.baseCommit], mirror, context),
  ]);
  if (!held.ok) return explain(held, 'worktree_failed', MAKING);
  if (!held.all) return refuse('worktree_failed', { message: DROPPED });
  if (laid === null) return refuse('worktree_failed');
  if (!laid.ok) return explain(laid, 'worktree_failed', MAKING);
  // What is touched from now on, the scrub looks at.
  writeFileSync(slot.made, '');
  const kept =
    mirror === null ? await packBaseline(context, baseline.commit, slot.mirror) : { ok: true as const };
  if (!kept.ok) return explain(kept, 'worktree_failed', MAKING);
  const furnishing = { baseline, patch: plan.continues?.patch ?? null, warmPaths: plan.warmPaths ?? [] };
  const furnished = await furnishCheckout(slot, caller, furnishing, whole, plan.environment, plan.signal);
  if (!furnished.ok) return furnished;
  const { restored } = furnished.value;
  makeAgentGitDirectory(slot, caller, baseline.commit, mirror ?? slot.mirror, plan.environment);
  const hidden = await hideLargeFiles(slot, restored, plan.environment, plan.signal);
  if (!hidden.ok) return explain(hidden, 'worktree_failed', MAKING);
  if (plan.signal.aborted) return refuse('worktree_failed', { message: `It was stopped while ${MAKING}.` });
  const warnings = [
    ...baseline.warnings,
    ...warnOfFilters(caller.configuration),
    ...furnished.value.warnings,
  ];
  return succeed({
    path: slotLayout(directory).checkout,
    baselineCommit: baseline.commit,
    headCommit: caller.headCommit,
    left: baseline.left,
    warnings,
  });
}
