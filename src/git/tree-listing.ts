import { type BytePath, splitRecords } from './byte-path.js';
import { type GitContext, type GitFailure, runGit } from './git.js';

/** One entry of a tree, at whatever depth. */
export interface TreeEntry {
  path: BytePath;
  /** `commit` is a submodule. */
  kind: 'blob' | 'commit';
  id: string;
  /** Size of a blob; 0 for a submodule. */
  bytes: number;
}

/** All that the tree of a commit holds. */
export async function listTree(
  context: GitContext,
  commit: string,
): Promise<{ ok: true; entries: TreeEntry[] } | GitFailure> {
  const listed = await runGit(context, ['ls-tree', '-r', '-l', '-z', '--full-tree', commit]);
  if (!listed.ok) return listed;
  return { ok: true, entries: splitRecords(listed.stdout).map(readEntry) };
}

/** A record of `ls-tree -l`: `mode kind id size`, padded with blanks, tab, path. */
function readEntry(record: string): TreeEntry {
  const tab = record.indexOf('\t');
  const [, kind, id = '', size] = record.slice(0, tab).split(/ +/);
  return {
    path: record.slice(tab + 1),
    kind: kind === 'commit' ? 'commit' : 'blob',
    id,
    bytes: Number(size) || 0,
  };
}
