import { type GitContext, type GitFailure, runGit } from './git.js';

/** A path as git gives it, each byte one character, so that a name in any encoding survives. */
export type BytePath = string;

export const toBytes = (path: BytePath): Buffer => Buffer.from(path, 'latin1');

/** Paths for the standard input of a git command with `-z`. */
export const pathList = (paths: readonly BytePath[]): Buffer =>
  toBytes(paths.map((path) => `${path}\0`).join(''));

export const splitRecords = (output: Buffer): string[] => output.toString('latin1').split('\0').slice(0, -1);

export interface IndexChanges {
  removed: BytePath[];
  /** Changed in content, mode or type. */
  changed: BytePath[];
}

/**
 * What differs between the context's index and its tree. Submodules are told by the commit they are at; git is never
 * sent into one, for it would obey the configuration that it finds there.
 */
export async function findIndexChanges(
  context: GitContext,
): Promise<{ ok: true; changes: IndexChanges } | GitFailure> {
  const found = await runGit(context, ['diff-files', '--raw', '-z', '--ignore-submodules=dirty']);
  if (!found.ok) return found;
  const records = splitRecords(found.stdout);
  const changes: IndexChanges = { removed: [], changed: [] };
  // Records come in pairs: `:mode mode id id status`, path.
  for (let at = 0; at + 1 < records.length; at += 2) {
    const [description = '', path = ''] = records.slice(at, at + 2);
    (description.endsWith('D') ? changes.removed : changes.changed).push(path);
  }
  return { ok: true, changes };
}

/**
 * Brings the index to what lies in the tree at these paths; new ones are added. `refused` counts the paths
 * that git does not store: names that some system takes for `.git`, with which no patch would apply.
 */
export async function recordInIndex(
  context: GitContext,
  { removed, changed }: IndexChanges,
): Promise<{ ok: true; refused: number } | GitFailure> {
  // Removals first: a removed file may have become the directory of a new one, or the other way round.
  const removal = await updateIndex(context, ['--force-remove'], removed);
  if (!removal.ok) return removal;
  const addition = await updateIndex(context, ['--add', '--remove', '--replace'], changed);
  return addition.ok ? { ok: true, refused: removal.refused + addition.refused } : addition;
}

async function updateIndex(
  context: GitContext,
  options: readonly string[],
  paths: readonly BytePath[],
): Promise<{ ok: true; refused: number } | GitFailure> {
  if (paths.length === 0) return { ok: true, refused: 0 };
  const strict = ['-c', 'core.protectNTFS=true', '-c', 'core.protectHFS=true'];
  const result = await runGit(
    context,
    [...strict, 'update-index', ...options, '-z', '--stdin'],
    pathList(paths),
  );
  return result.ok ? { ok: true, refused: result.stderr.match(/^Ignoring path /gm)?.length ?? 0 } : result;
}
