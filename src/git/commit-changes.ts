import { type BytePath, lookAt } from './byte-path.js';
import type { Caller } from './caller.js';
import { findUntracked, nameSome } from './carried-files.js';
import { type GitContext, type GitFailure, runGit } from './git.js';
import type { RevealedIndex } from './hidden-entries.js';
import { findIndexChanges, recordInIndex } from './index-changes.js';

export interface CommittedChanges {
  commit: string;
  /** Changes of the caller that are not in the commit. */
  left: BytePath[];
  warnings: string[];
}

/**
 * Commits HEAD with the caller's uncommitted changes, by way of the index of the context, in which nothing is hidden.
 * HEAD's own commit where nothing is uncommitted.
 */
export async function commitChanges(
  context: GitContext,
  caller: Caller,
  { tree: indexTree, submodules }: RevealedIndex,
  includeUntracked: boolean,
): Promise<({ ok: true } & CommittedChanges) | GitFailure> {
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
