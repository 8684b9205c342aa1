import { type Outcome, type refuse, succeed } from '../errors.js';
import type { BytePath } from './byte-path.js';
import { type Caller, PATIENCE_MS } from './caller.js';
import { hasMovedFrom, isSame, lookAtCaller, whenAtRest } from './callers-state.js';
import { commitChanges } from './commit-changes.js';
import type { CallerEnvironment } from './environment.js';
import { explain } from './explain.js';
import type { GitContext, GitFailure } from './git.js';
import { revealHiddenEntries } from './hidden-entries.js';
import { findIncluded } from './included-files.js';
import { closeSeed, copyCallersIndex, openSeed } from './seed.js';
import type { SlotLayout } from './slot.js';

const TAKING = 'taking the baseline';
const OTHER_BASE = 'base_ref names another commit than HEAD, so uncommitted changes were not carried over.';
/** A file that changes while it is read makes git fail; it may stand still the next time. */
const MAX_ATTEMPTS = 3;
const NEVER_AT_REST =
  'Another git was changing files of the repository while they were taken, or died and left .git/index.lock: the baseline may hold one half of such a change and not the other.';

export interface BaselinePlan {
  /** Untracked files of the caller, if they are not ignored, belong to the baseline too. */
  includeUntracked: boolean;
  /** The user's own clean filters apply to changed files. */
  cleanFilters: boolean;
  /** Set when the base commit is the baseline of an earlier job: it is taken as it is. */
  continues: object | null;
  /** False takes the commit as it is, also where it is HEAD. */
  uncommitted?: boolean;
}

export interface Baseline {
  commit: string;
  /** Files of the commit that the caller's sparse checkout does not have. */
  absent: BytePath[];
  /** Ignored files of the caller that belong into the checkout. */
  included: BytePath[];
  /** Changes of the caller that are not in the commit, though they were asked for. */
  left: BytePath[];
  warnings: string[];
}

/**
 * Makes the commit that holds HEAD and the caller's uncommitted changes, in the slot's own object directory:
 * HEAD's own where nothing is uncommitted. A base ref at another commit is taken as it is: to put changes of
 * HEAD on it would be guesswork. Of all programs only the user's own clean filters can run. Null where HEAD moved on
 * meanwhile, for `withCaller` to ask again.
 */
export async function takeBaseline(
  caller: Caller,
  slot: SlotLayout,
  plan: BaselinePlan,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<Outcome<Baseline> | null> {
  const seed = openSeed(caller, slot, plan, environment, signal);
  if (seed === null)
    return succeed({ commit: caller.baseCommit, absent: [], included: [], left: [], warnings: [] });
  try {
    const taken = await takeAtRest(seed, caller, slot, plan);
    if (taken === null) return null;
    if (taken.ok) return succeed(taken.baseline);
    return 'fault' in taken ? taken : explain(taken, 'worktree_failed', TAKING);
  } finally {
    closeSeed(caller, slot);
  }
}

type Refusal = ReturnType<typeof refuse>;
type Taken = { ok: true; baseline: Baseline } | GitFailure | Refusal;

/**
 * Takes it again when the caller's own git changed their files meanwhile, as it does when they switch branches: else it
 * would be half of each. Null when HEAD has moved on. Who does not come to rest in time is told.
 */
async function takeAtRest(
  context: GitContext,
  caller: Caller,
  slot: SlotLayout,
  plan: BaselinePlan,
): Promise<Taken | null> {
  if (!carriesChanges(caller, plan)) return takeRepeatedly(context, caller, slot, plan);
  const { repository, headCommit, restsBy } = caller;
  let until = restsBy;
  let mayBeLate = restsBy > 0;
  const hasTime = () => performance.now() < until && !context.signal.aborted;
  for (;;) {
    const before = await whenAtRest(repository, hasTime);
    const taken = await takeRepeatedly(context, caller, slot, plan);
    const after = await lookAtCaller(repository);
    const moved = hasMovedFrom(after, headCommit);
    if (isSame(before, after) && !moved) return taken;
    if (!hasTime()) {
      // Where the time went into the taking, it is taken once more: nobody was waited for in vain yet.
      if (!mayBeLate || before.atWork || context.signal.aborted)
        return taken.ok ? withWarning(taken.baseline, NEVER_AT_REST) : taken;
      mayBeLate = false;
      until = performance.now() + PATIENCE_MS;
    }
    if (moved) return null;
  }
}

const withWarning = (baseline: Baseline, warning: string): Taken => ({
  ok: true,
  baseline: { ...baseline, warnings: [...baseline.warnings, warning] },
});

async function takeRepeatedly(
  context: GitContext,
  caller: Caller,
  slot: SlotLayout,
  plan: BaselinePlan,
): Promise<Taken> {
  for (let attempt = 1; ; attempt += 1) {
    copyCallersIndex(caller, slot);
    const taken = await takeOnce(context, caller, slot, plan);
    if (taken.ok || attempt === MAX_ATTEMPTS || !changedUnderway(taken)) return taken;
  }
}

const changedUnderway = (taken: Taken): boolean =>
  !taken.ok &&
  'cause' in taken &&
  taken.cause === 'exit' &&
  /short read|changed|failed to insert|No such file/.test(taken.stderr);

async function takeOnce(
  context: GitContext,
  caller: Caller,
  slot: SlotLayout,
  plan: BaselinePlan,
): Promise<Taken> {
  const carries = carriesChanges(caller, plan);
  const revealed = await revealHiddenEntries(context, caller, !carries);
  if (!revealed.ok) return revealed;
  const committed = carries
    ? await commitChanges(context, caller, revealed, plan.includeUntracked)
    : { ok: true as const, commit: caller.baseCommit, left: [], warnings: warnOfOtherCommit(plan) };
  if (!committed.ok) return committed;
  const included = await findIncluded(context, slot);
  if (!included.ok) return included;
  return {
    ok: true,
    baseline: {
      commit: committed.commit,
      absent: revealed.absent,
      included: included.paths,
      left: committed.left,
      warnings: [...committed.warnings, ...included.warnings],
    },
  };
}

const carriesChanges = (
  { baseCommit, headCommit }: Caller,
  { continues, uncommitted }: BaselinePlan,
): boolean => continues === null && uncommitted !== false && baseCommit === headCommit;

const warnOfOtherCommit = ({ continues, uncommitted }: BaselinePlan): string[] =>
  continues === null && uncommitted !== false ? [OTHER_BASE] : [];
