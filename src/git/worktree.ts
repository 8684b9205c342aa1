import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Worktree } from '../../machines/job.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import { takeBaseline } from './baseline.js';
import { askCaller, type Caller } from './caller.js';
import { readExcludes } from './caller-configuration.js';
import type { CallerEnvironment } from './environment.js';
import { explain, explainSystemError } from './explain.js';
import { runGit } from './git.js';
import { copyIndex, makeGitDirectory, rawAttributes } from './git-directory.js';
import { splitRecords } from './index-changes.js';
import { readRegularFile } from './regular-file.js';
import { removeWorktree } from './removal.js';
import { findRepository } from './repository.js';
import { type SlotLayout, slotContext, slotDirectory, slotLayout } from './slot.js';
import { runQuietly } from './system.js';

export interface WorktreePlan {
  /** Directory that holds one directory a repository; absolute. */
  repositoriesDirectory: string;
  /** Name of the slot: the job's id. */
  slot: string;
  /** Directory inside the caller's checkout; absolute. */
  workspaceRoot: string;
  /** What to start from instead of HEAD: anything that `git rev-parse` takes for a commit. */
  baseRef: string | null;
  environment: CallerEnvironment;
  signal: AbortSignal;
}

const MAKING = 'making the worktree';
const MAX_SHALLOW_BYTES = 16 * 1024 * 1024;

/**
 * Makes the private checkout of one job: the baseline's files, byte for byte, with a git directory of the
 * agent's own. Nothing of the caller's is written. Safe to call again: what an earlier call left of this
 * slot is removed first, and when this one fails or is stopped, so is all that it made. Refuses with the
 * codes of `findRepository`, and `base_ref_not_found`, `unmerged_index`, `repository_not_trusted`,
 * `git_not_found` or `worktree_failed`.
 */
export async function makeWorktree(plan: WorktreePlan): Promise<Outcome<Worktree>> {
  const repository = await findRepository(plan.workspaceRoot);
  if (!repository.ok) return repository;
  const directory = slotDirectory(plan.repositoriesDirectory, repository.value.commonDirectory, plan.slot);
  await removeWorktree(directory);
  const caller = await askCaller(repository.value, plan.baseRef, plan.environment, plan.signal);
  if (!caller.ok) return caller;
  try {
    const made = await fillSlot(directory, caller.value, plan);
    if (!made.ok) await removeWorktree(directory);
    return made;
  } catch (error) {
    await removeWorktree(directory);
    return explainSystemError(error, 'worktree_failed', MAKING);
  }
}

async function fillSlot(directory: string, caller: Caller, plan: WorktreePlan): Promise<Outcome<Worktree>> {
  const slot = slotLayout(directory);
  await makeSlotDirectory(directory);
  await mkdir(slot.checkout);
  await makeOwnGitDirectory(slot, caller, plan.environment);
  const carries = caller.baseCommit === caller.headCommit;
  const baseline = carries
    ? await takeBaseline(caller, slot, plan.environment, plan.signal)
    : succeed(caller.baseCommit);
  if (!baseline.ok) return baseline;
  const context = slotContext(slot, plan.environment, plan.signal);
  const checkedOut = await runGit(context, ['read-tree', '-u', '--reset', baseline.value]);
  if (!checkedOut.ok) return explain(checkedOut, 'worktree_failed', MAKING);
  const [listed] = await Promise.all([
    runGit(context, ['ls-files', '--stage', '-z']),
    makeAgentGitDirectory(slot, caller, baseline.value, plan.environment),
  ]);
  if (!listed.ok) return explain(listed, 'worktree_failed', MAKING);
  if (plan.signal.aborted) return refuse('worktree_failed', { message: `It was stopped while ${MAKING}.` });
  const warnings = [
    ...(carries
      ? []
      : ['base_ref names another commit than HEAD, so uncommitted changes were not carried over.']),
    ...warnOfFilters(caller),
    ...warnOfSubmodules(listed.stdout),
  ];
  return succeed({ path: slot.checkout, baselineCommit: baseline.value, warnings });
}

async function makeSlotDirectory(directory: string): Promise<void> {
  const slots = join(directory, '..');
  const firstMade = await mkdir(slots, { recursive: true, mode: 0o700 });
  // ext4 then spreads the slots over the disk: without it, creating files where many were just deleted is
  // up to forty times slower on an ext4 without journal. Elsewhere it fails, which is as good.
  if (firstMade !== undefined) await runQuietly('chattr', ['+T', slots]);
  await mkdir(directory, { mode: 0o700 });
}

async function makeOwnGitDirectory(
  slot: SlotLayout,
  caller: Caller,
  environment: CallerEnvironment,
): Promise<void> {
  await makeGitDirectory(slot.gitDirectory, {
    objectFormat: caller.objectFormat,
    head: caller.baseCommit,
    borrowedObjects: [join(caller.repository.commonDirectory, 'objects')],
    settings: [],
    attributes: rawAttributes,
    excludes: await readExcludes(caller.repository, caller.configuration.excludesFile, environment),
  });
}

/** A throwaway repository for the agent's own status, diff, log and commits. What it does there is never read. */
async function makeAgentGitDirectory(
  slot: SlotLayout,
  { repository, objectFormat, configuration }: Caller,
  baseline: string,
  environment: CallerEnvironment,
): Promise<void> {
  const directory = join(slot.checkout, '.git');
  const shallow = await readRegularFile(join(repository.commonDirectory, 'shallow'), MAX_SHALLOW_BYTES);
  await makeGitDirectory(directory, {
    objectFormat,
    head: 'ref: refs/heads/offshoot',
    branch: { name: 'offshoot', commit: baseline },
    borrowedObjects: [slot.objects, join(repository.commonDirectory, 'objects')],
    settings: configuration.identity,
    attributes: rawAttributes,
    excludes: await readExcludes(repository, configuration.excludesFile, environment),
    ...(shallow === null ? {} : { shallow }),
  });
  await copyIndex(slot.index, join(directory, 'index'));
}

const NAMED_FILTERS = 5;

function warnOfFilters({ configuration: { untrustedFilters } }: Caller): string[] {
  if (untrustedFilters.length === 0) return [];
  const names = untrustedFilters.slice(0, NAMED_FILTERS).map((name) => JSON.stringify(name.slice(0, 60)));
  return [
    `Filters of the repository's own configuration are not run, their files are taken as they lie: ${names.join(', ')}.`,
  ];
}

function warnOfSubmodules(listing: Buffer): string[] {
  const count = splitRecords(listing).filter((record) => record.startsWith('160000 ')).length;
  return count === 0 ? [] : [`Submodules are left as empty directories in the worktree: ${count}.`];
}
