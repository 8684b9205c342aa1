import { type BytePath, lookAt, parentOf, pathList, splitRecords } from './byte-path.js';
import { type GitContext, type GitFailure, runGit } from './git.js';

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
 * Finds the index's changes while a walk of the same tree goes on: each takes a processor of its own. Where
 * the walk altered something that git may have stumbled over, as a directory that nobody may enter, git looks
 * again: one that hangs on a named pipe is ended.
 */
export async function compareDuring<Walked extends { altered: boolean }>(
  context: GitContext,
  walk: () => Promise<Walked>,
): Promise<{ walked: Walked; found: Awaited<ReturnType<typeof findIndexChanges>> }> {
  const tooEarly = new AbortController();
  const signal = AbortSignal.any([context.signal, tooEarly.signal]);
  const first = findIndexChanges({ ...context, signal });
  let walked: Walked;
  try {
    walked = await walk();
  } catch (error) {
    tooEarly.abort();
    await first;
    throw error;
  }
  if (walked.altered) tooEarly.abort();
  const found = await first;
  return { walked, found: walked.altered ? await findIndexChanges(context) : found };
}

/**
 * Brings the index to what lies in the tree at these paths; new ones are added. `refused` counts the paths
 * that git does not store: names that some system takes for `.git`, with which no patch would apply.
 */
export async function recordInIndex(
  context: GitContext,
  { removed, changed }: IndexChanges,
): Promise<{ ok: true; refused: number } | GitFailure> {
  const gone = findGone(context.directory, removed);
  // The others first: a removed file may have become the directory of a new one, or lie behind a link now.
  const replaced = removed.filter((path) => !gone.has(path));
  const removal = await updateIndex(context, ['--force-remove'], replaced);
  if (!removal.ok) return removal;
  const addition = await updateIndex(context, ['--add', '--remove', '--replace'], [...gone, ...changed]);
  return addition.ok ? { ok: true, refused: removal.refused + addition.refused } : addition;
}

/** The paths at which nothing lies any more, in directories that are still there. */
function findGone(root: string, paths: readonly BytePath[]): Set<BytePath> {
  const known = new Map<BytePath, boolean>([['', true]]);
  const isDirectory = (path: BytePath): boolean => {
    const answer = known.get(path) ?? (isDirectory(parentOf(path)) && !!lookAt(root, path)?.isDirectory());
    known.set(path, answer);
    return answer;
  };
  return new Set(paths.filter((path) => isDirectory(parentOf(path)) && lookAt(root, path) === undefined));
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
