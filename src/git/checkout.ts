import { type BytePath, pathList, splitRecords } from './byte-path.js';
import { type GitContext, type GitResult, runGit } from './git.js';

/**
 * Brings the files of a commit into the context's tree and index. Files that are `absent` from the caller's
 * sparse checkout are in the index only, marked as skipped; for that the tree must be empty before.
 */
export async function checkOut(
  context: GitContext,
  commit: string,
  absent: readonly BytePath[],
): Promise<GitResult> {
  if (absent.length === 0) return runGit(context, ['read-tree', '-u', '--reset', commit]);
  const read = await runGit(context, ['read-tree', '--reset', commit]);
  if (!read.ok) return read;
  const listed = await runGit(context, ['ls-files', '-z']);
  if (!listed.ok) return listed;
  const known = new Set(splitRecords(listed.stdout));
  const skipped = pathList(absent.filter((path) => known.has(path)));
  const marked = await runGit(context, ['update-index', '--skip-worktree', '-z', '--stdin'], skipped);
  return marked.ok ? runGit(context, ['checkout-index', '--all', '--index', '--quiet']) : marked;
}
