import { refuse } from '../errors.js';
import { type BytePath, lookAt, pathList } from './byte-path.js';
import type { Caller } from './caller.js';
import { type GitContext, type GitFailure, runGit } from './git.js';
import { listIndex } from './index-listing.js';

export interface RevealedIndex {
  /** Skipped entries whose files are not there. */
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
export async function revealHiddenEntries(
  context: GitContext,
  { headCommit }: Caller,
  conflictsAllowed: boolean,
): Promise<({ ok: true } & RevealedIndex) | GitFailure | ReturnType<typeof refuse>> {
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
