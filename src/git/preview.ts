import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, succeed } from '../errors.js';
import { takeBaseline } from './baseline.js';
import { splitRecords } from './byte-path.js';
import { type Caller, withCaller } from './caller.js';
import { warnOfFilters } from './caller-configuration.js';
import { nameSome, takeFitting } from './carried-files.js';
import { explain, explainSystemError } from './explain.js';
import { type GitContext, type GitFailure, runGit } from './git.js';
import { makeSlotDirectory } from './ground.js';
import { promptLook } from './look.js';
import { findPointers } from './pointers.js';
import { removeWorktree } from './removal.js';
import { findRepository } from './repository.js';
import { isSecretFile } from './secrets.js';
import { closeSeed, copyCallersIndex, openSeed } from './seed.js';
import { type SlotLayout, slotContext, slotDirectory, slotLayout } from './slot.js';
import { makeOwnGitDirectory } from './slot-git-directories.js';
import { isWarm } from './slot-pool.js';
import { countSubmodules } from './submodules.js';
import { listTree, type TreeEntry } from './tree-listing.js';
import type { WorktreePlan } from './worktree.js';

/** What a job would start from. */
export interface Preview {
  /** Commit that HEAD, or the base ref, is at. */
  baseCommit: string;
  /** That with the caller's changes. */
  baselineCommit: string;
  /** Tracked files of the caller whose uncommitted changes come along. */
  uncommitted: number;
  /** Files that git does not track and does not ignore. */
  untracked: { taken: number; left: number };
  /** What the checkout would hold, in all. */
  files: number;
  bytes: number;
  /** Whose objects are at hand, and whose are not: those are empty directories. */
  submodules: { present: number; missing: number };
  /** Whose content is at hand, and whose is not: those are pointers. */
  largeFiles: { present: number; missing: number };
  /** Something of an earlier job waits for this one, which makes its checkout quicker. */
  warm: boolean;
  warnings: string[];
}

export type PreviewPlan = Omit<WorktreePlan, 'warm' | 'overlay' | 'keptObjects' | 'continues'>;

const LOOKING = 'looking at the repository';

/**
 * Takes the baseline as a job would, looks at what it holds, and throws it away. Nothing of the caller's is written.
 * Refuses as `makeWorktree` does.
 */
export async function preview(plan: PreviewPlan): Promise<Outcome<Preview>> {
  const repository = await findRepository(plan.workspaceRoot, promptLook);
  if (!repository.ok) return repository;
  const directory = slotDirectory(plan.repositoriesDirectory, repository.value.commonDirectory, plan.slot);
  return withCaller(repository.value, plan, (caller) => previewFor(caller, directory, plan));
}

async function previewFor(
  caller: Caller,
  directory: string,
  plan: PreviewPlan,
): Promise<Outcome<Preview> | null> {
  const slot = slotLayout(directory);
  try {
    await makeSlotDirectory(directory, { kind: 'nothing' });
    makeOwnGitDirectory(slot, caller, slot.mirror, plan.environment);
    const baseline = await takeBaseline(
      caller,
      slot,
      { ...plan, continues: null },
      plan.environment,
      plan.signal,
    );
    if (!baseline?.ok) return baseline;
    const { commit, warnings } = baseline.value;
    const warm = isWarm(directory);
    const found = await lookInto(commit, caller, slot, plan);
    if (!found.ok) return explain(found, 'worktree_failed', LOOKING);
    return succeed({
      ...found.preview,
      baseCommit: caller.baseCommit,
      baselineCommit: commit,
      warm,
      warnings: [...warnings, ...warnOfFilters(caller.configuration), ...found.preview.warnings],
    });
  } catch (error) {
    return explainSystemError(error, 'worktree_failed', LOOKING);
  } finally {
    await removeWorktree(directory);
  }
}

type Contents = Omit<Preview, 'baseCommit' | 'baselineCommit' | 'warm'>;

async function lookInto(
  commit: string,
  caller: Caller,
  slot: SlotLayout,
  plan: PreviewPlan,
): Promise<{ ok: true; preview: Contents } | GitFailure> {
  const context = slotContext(slot, plan.environment, plan.signal);
  const untracked = await countUntracked(caller, slot, plan);
  if (!untracked.ok) return untracked;
  const [listed, changed] = await Promise.all([
    listTree(context, commit),
    countChanged(context, caller.baseCommit, commit),
  ]);
  if (!listed.ok) return listed;
  if (!changed.ok) return changed;
  const { entries } = listed;
  const pointers = await findPointers(context, entries);
  if (!pointers.ok) return pointers;
  const links = entries.filter(({ kind }) => kind === 'commit').map(({ path }) => path);
  const submodules = await countSubmodules(context, caller, commit, links);
  const blobs = entries.filter(({ kind }) => kind === 'blob');
  const store = join(caller.repository.commonDirectory, 'lfs', 'objects');
  const atHand = pointers.pointers.filter(({ oid }) =>
    existsSync(join(store, oid.slice(0, 2), oid.slice(2, 4), oid)),
  );
  const carries = caller.baseCommit === caller.headCommit;
  const taken = plan.includeUntracked && carries ? untracked.fitting : 0;
  return {
    ok: true,
    preview: {
      uncommitted: Math.max(0, changed.count - taken),
      untracked: { taken, left: untracked.count - taken },
      files: blobs.length,
      bytes: sum(blobs.map(({ bytes }) => bytes)) + sum(atHand.map(({ bytes }) => bytes)),
      submodules,
      largeFiles: { present: atHand.length, missing: pointers.pointers.length - atHand.length },
      warnings: warnOfContents(entries),
    },
  };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** What of the tree an agent reads, or could, without being told to. */
function warnOfContents(entries: readonly TreeEntry[]): string[] {
  const paths = entries.map(({ path }) => path);
  const instructions = paths.filter((path) => /(^|\/)AGENTS(\.override)?\.md$/.test(path));
  const secrets = paths.filter(isSecretFile);
  return [
    ...(instructions.length === 0
      ? []
      : [`Codex follows the instructions in ${nameSome(instructions)}, whoever wrote them.`]),
    ...(secrets.length === 0
      ? []
      : [`Files that look like secrets are in the checkout, for Codex to read: ${nameSome(secrets)}.`]),
  ];
}

async function countChanged(
  context: GitContext,
  base: string,
  commit: string,
): Promise<{ ok: true; count: number } | GitFailure> {
  if (base === commit) return { ok: true, count: 0 };
  const found = await runGit(context, ['diff-tree', '-r', '-z', '--name-only', '--no-renames', base, commit]);
  return found.ok ? { ok: true, count: found.stdout.filter((byte) => byte === 0).length } : found;
}

/** `fitting`: how many of them are within the limits of what a job takes. */
async function countUntracked(
  caller: Caller,
  slot: SlotLayout,
  plan: PreviewPlan,
): Promise<{ ok: true; count: number; fitting: number } | GitFailure> {
  const seed = openSeed(caller, slot, plan, plan.environment, plan.signal);
  if (seed === null) return { ok: true, count: 0, fitting: 0 };
  copyCallersIndex(caller, slot);
  const listed = await runGit(seed, ['ls-files', '--others', '--exclude-standard', '-z']);
  closeSeed(caller, slot);
  if (!listed.ok) return listed;
  const paths = splitRecords(listed.stdout).filter((path) => !path.endsWith('/'));
  const { paths: fitting } = takeFitting(seed.directory, paths, '');
  return { ok: true, count: paths.length, fitting: fitting.length };
}
