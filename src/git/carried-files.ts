import { type BytePath, lookAt, splitRecords, toBytes } from './byte-path.js';
import { type GitContext, type GitFailure, runGit } from './git.js';

/** What a job may take of the caller's files that git does not track, in all. */
const MAX_CARRIED_BYTES = 64 * 1024 * 1024;
const MAX_CARRIED_FILES = 10_000;
const NAMED_FILES = 5;

export interface CarriedFiles {
  paths: BytePath[];
  /** Files that could not come; repositories inside of this one are others, and do not count. */
  left: BytePath[];
  warnings: string[];
}

/** The caller's files that are neither tracked nor ignored, as many as fit. */
export async function findUntracked(
  context: GitContext,
): Promise<({ ok: true } & CarriedFiles) | GitFailure> {
  const listed = await runGit(context, ['ls-files', '--others', '--exclude-standard', '-z']);
  if (!listed.ok) return listed;
  const paths = splitRecords(listed.stdout);
  const nested = paths.filter((path) => path.endsWith('/'));
  const fitting = takeFitting(
    context.directory,
    paths.filter((path) => !path.endsWith('/')),
    'Untracked files',
  );
  if (nested.length === 0) return { ok: true, ...fitting };
  return {
    ok: true,
    paths: fitting.paths,
    left: fitting.left,
    warnings: [
      ...fitting.warnings,
      `Untracked repositories were not carried over: ${nameSome(nested.map((path) => path.slice(0, -1)))}.`,
    ],
  };
}

/** The first files, in order of path, that fit into the limits; a warning counts and names the others. */
export function takeFitting(root: string, candidates: readonly BytePath[], what: string): CarriedFiles {
  const paths: BytePath[] = [];
  const left: BytePath[] = [];
  let [bytes, bytesLeft] = [0, 0];
  for (const path of candidates) {
    const found = lookAt(root, path);
    if (found === undefined || !(found.isFile() || found.isSymbolicLink())) continue;
    const fits = bytes + found.size <= MAX_CARRIED_BYTES && paths.length < MAX_CARRIED_FILES;
    (fits ? paths : left).push(path);
    if (fits) bytes += found.size;
    else bytesLeft += found.size;
  }
  if (left.length === 0) return { paths, left, warnings: [] };
  const limits = `${MAX_CARRIED_BYTES} bytes or ${MAX_CARRIED_FILES} files in all`;
  return {
    paths,
    left,
    warnings: [
      `${what} over the limit of ${limits} were not carried over: ${left.length} with ${bytesLeft} bytes, among them ${nameSome(left)}.`,
    ],
  };
}

/** Some of the names, for a warning. */
export function nameSome(paths: readonly BytePath[]): string {
  const names = paths.slice(0, NAMED_FILES).map((path) => JSON.stringify(toBytes(path).toString('utf8')));
  const others = paths.length - names.length;
  return others > 0 ? `${names.join(', ')} and ${others} more` : names.join(', ');
}
