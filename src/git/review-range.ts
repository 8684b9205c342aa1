import { type Outcome, refuse, succeed } from '../errors.js';
import { resolveRef } from './caller.js';
import { type CallerEnvironment, probeEnvironment } from './environment.js';
import { explain } from './explain.js';
import { type GitContext, runGit } from './git.js';
import { slotContext, slotLayout } from './slot.js';

export interface RangePlan {
  /** `working_tree`: what is not committed. `branch`: since HEAD left `ref`. `commit`: that one commit. */
  scope: 'working_tree' | 'branch' | 'commit';
  ref: string | null;
  /** The checkout, which is the state after the changes. */
  slotDirectory: string;
  baselineCommit: string;
  headCommit: string;
  /** Directory inside the caller's checkout; absolute. */
  workspaceRoot: string;
  environment: CallerEnvironment;
  signal: AbortSignal;
}

const FINDING = 'finding what the changes are held against';

/**
 * The state before the changes under review, as a commit or a tree. Refuses with `base_ref_not_found` or
 * `worktree_failed`.
 */
export async function findRangeStart(plan: RangePlan): Promise<Outcome<string>> {
  if (plan.scope === 'working_tree') return succeed(plan.headCommit);
  return plan.scope === 'commit' ? findParent(plan) : findMergeBase(plan);
}

/** The first parent, as the commit itself names it: in a shallow clone git would deny that there is one. */
async function findParent(plan: RangePlan): Promise<Outcome<string>> {
  const { baselineCommit: commit } = plan;
  const context = slotContext(slotLayout(plan.slotDirectory), plan.environment, plan.signal);
  const read = await runGit(context, ['cat-file', 'commit', commit]);
  if (!read.ok) return explain(read, 'worktree_failed', FINDING);
  const header = read.stdout.toString('latin1').split('\n\n', 1)[0] ?? '';
  return succeed(/^parent ([0-9a-f]+)$/m.exec(header)?.[1] ?? emptyTree(commit));
}

/** Every git knows the tree without entries; its name depends on the hash that the repository uses. */
const emptyTree = (commit: string): string =>
  commit.length === 40
    ? '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
    : '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321';

/** Asks in the caller's repository, which knows its own grafts. Reads commits only, so no helper is started. */
async function findMergeBase(plan: RangePlan): Promise<Outcome<string>> {
  const context: GitContext = {
    directory: plan.workspaceRoot,
    environment: probeEnvironment(plan.environment),
    signal: plan.signal,
  };
  const other = await resolveRef(context, plan.ref ?? '');
  if (!other.ok) return other;
  const found = await runGit(context, ['merge-base', other.value, plan.baselineCommit]);
  if (found.ok) return succeed(found.stdout.toString('utf8').split('\n', 1)[0] ?? '');
  if (found.cause === 'exit' && found.exitCode === 1) {
    return refuse('base_ref_not_found', { message: 'HEAD and the base_ref have no commit in common.' });
  }
  return explain(found, 'worktree_failed', FINDING);
}
