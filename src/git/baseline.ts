import { type Outcome, refuse, succeed } from '../errors.js';
import { type BytePath, lookAt, pathList } from './byte-path.js';
import { type Caller, PATIENCE_MS } from './caller.js';
import { hasMovedFrom, isSame, lookAtCaller, whenAtRest } from './callers-state.js';
import { findUntracked, nameSome } from './carried-files.js';
import type { CallerEnvironment } from './environment.js';
import { explain } from './explain.js';
import { type GitContext, type GitFailure, runGit } from './git.js';
import { findIncluded } from './included-files.js';
import { findIndexChanges, recordInIndex } from './index-changes.js';
import { listIndex } from './index-listing.js';
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

async function commitChanges(
  context: GitContext,
  caller: Caller,
  { tree: indexTree, submodules }: Pick<Revealed, 'tree' | 'submodules'>,
  includeUntracked: boolean,
): Promise<({ ok: true } & Pick<Baseline, 'commit' | 'left' | 'warnings'>) | GitFailure> {
  const found = await findIndexChanges(context);
  if (!found.ok) return found;
  const untracked = includeUntracked
    ? await findUntracked(context)
    : { ok: true as const, paths: [], left: [], warnings: [] };
  if (!untracked.ok) return untracked;
  const { storable, special } = sortOutSpecial(context.directory, found.changes.changed, submodules);
  const warnings = [...untracked.warnings, ...warnOfSpecial(special)];
  const left = [...untracked.left, ...special];
  const changes = { removed: found.changes.removed, changed: [...storable, ...untracked.paths] };
  const unchanged = changes.removed.length + changes.changed.length === 0;
  if (unchanged && indexTree === caller.headTree)
    return { ok: true, commit: caller.headCommit, left, warnings };
  const recorded = await recordInIndex(context, changes);
  if (!recorded.ok) return recorded;
  const committed = await commitIndex(context, caller);
  return committed.ok ? { ...committed, left, warnings } : committed;
}

/**
 * What git cannot store, such as a named pipe in the place of a file, stays as the index has it; so does a file in whose
 * place there is a repository, for no job would have its files.
 */
function sortOutSpecial(root: string, paths: readonly BytePath[], submodules: ReadonlySet<BytePath>) {
  const isSpecial = (path: BytePath): boolean => {
    const found = lookAt(root, path);
    if (found?.isDirectory()) return !submodules.has(path);
    return found !== undefined && !(found.isFile() || found.isSymbolicLink());
  };
  return {
    storable: paths.filter((path) => !isSpecial(path)),
    special: paths.filter(isSpecial),
  };
}

const warnOfSpecial = (paths: readonly BytePath[]): string[] =>
  paths.length === 0
    ? []
    : [
        `Pipes, sockets, devices and repositories in the place of files were not carried over: ${nameSome(paths)}.`,
      ];

async function commitIndex(
  context: GitContext,
  { headCommit, headTree }: Caller,
): Promise<{ ok: true; commit: string } | GitFailure> {
  const [tree, head] = await Promise.all([
    runGit(context, ['write-tree']),
    runGit(context, ['cat-file', 'commit', headCommit]),
  ]);
  if (!tree.ok) return tree;
  if (!head.ok) return head;
  const treeId = tree.stdout.toString('utf8').trim();
  if (treeId === headTree) return { ok: true, commit: headCommit };
  // With the time of HEAD, the same changes are the same commit: an idle slot may have it already. One in a far future
  // git reads, and does not write.
  const headTime = /^committer .*> (\d{1,12}) [+-]\d+$/m.exec(head.stdout.toString('latin1'))?.[1] ?? '0';
  const date = `@${headTime} +0000`;
  const dates = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  const commit = await runGit({ ...context, environment: { ...context.environment, ...author, ...dates } }, [
    'commit-tree',
    treeId,
    '-p',
    headCommit,
    '-m',
    'Baseline: HEAD with the uncommitted changes of the caller',
  ]);
  return commit.ok ? { ok: true, commit: commit.stdout.toString('utf8').trim() } : commit;
}

const author = {
  GIT_AUTHOR_NAME: 'Offshoot',
  GIT_AUTHOR_EMAIL: 'offshoot@localhost',
  GIT_COMMITTER_NAME: 'Offshoot',
  GIT_COMMITTER_EMAIL: 'offshoot@localhost',
};

interface Revealed {
  absent: BytePath[];
  /** The tree that the index is, where it tells. */
  tree: string | null;
  submodules: ReadonlySet<BytePath>;
}

/**
 * Entries marked assume-unchanged or skip-worktree are not compared with their files. Where the file is
 * there the mark is dropped, or the caller's change to it would be lost; where it is not, a skipped one is
 * absent on purpose. Refuses an index with conflicts, unless they may be there, where nothing of it is carried over.
 */
async function revealHiddenEntries(
  context: GitContext,
  { headCommit }: Caller,
  conflictsAllowed: boolean,
): Promise<({ ok: true } & Revealed) | GitFailure | Refusal> {
  const listed = await listIndex(context, headCommit);
  if (!listed.ok) return listed;
  const { tree } = listed.index;
  const odd = listed.index.odd();
  if (!conflictsAllowed && odd.some(({ unmerged }) => unmerged)) return refuse('unmerged_index');
  const submodules = new Set(odd.filter(({ commit }) => commit !== null).map(({ path }) => path));
  const hidden = odd.filter(({ assumed, skipped }) => assumed || skipped);
  const isThere = new Map(hidden.map(({ path }) => [path, lookAt(context.directory, path) !== undefined]));
  const present = hidden.filter(({ path }) => isThere.get(path));
  const absent = hidden.filter(({ path, skipped }) => skipped && !isThere.get(path)).map(({ path }) => path);
  if (present.length === 0) return { ok: true, absent, tree, submodules };
  const paths = pathList(present.map(({ path }) => path));
  for (const option of ['--no-assume-unchanged', '--no-skip-worktree']) {
    const result = await runGit(context, ['update-index', option, '-z', '--stdin'], paths);
    if (!result.ok) return result;
  }
  return { ok: true, absent, tree, submodules };
}
