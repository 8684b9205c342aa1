import { constants, copyFileSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { absolutePath, type BytePath, lookAt, pathList, splitRecords } from './byte-path.js';
import { type CarriedFiles, nameSome, takeFitting } from './carried-files.js';
import { type GitContext, type GitFailure, runGit } from './git.js';
import { readRegularFile } from './regular-file.js';
import type { SlotLayout } from './slot.js';

/** Names ignored files that a worktree gets a copy of; in the syntax of gitignore(5), at the tree's root. */
const RULES_FILE = '.worktreeinclude';
const MAX_RULES_BYTES = 1024 * 1024;

/** The caller's ignored files that their `.worktreeinclude` names, as many as fit. `context` is the seed's. */
export async function findIncluded(
  context: GitContext,
  slot: SlotLayout,
): Promise<({ ok: true } & CarriedFiles) | GitFailure> {
  const rules = readRegularFile(join(context.directory, RULES_FILE), MAX_RULES_BYTES);
  if (rules === null) return { ok: true, paths: [], left: [], warnings: [] };
  const copy = join(slot.gitDirectory, 'include');
  await writeFile(copy, rules);
  const named = await runGit(context, ['ls-files', '--others', '--ignored', `--exclude-from=${copy}`, '-z']);
  if (!named.ok) return named;
  const ignored = await keepIgnored(context, splitRecords(named.stdout));
  return ignored.ok
    ? { ok: true, ...takeFitting(context.directory, ignored.paths, `Files that ${RULES_FILE} names`) }
    : ignored;
}

async function keepIgnored(
  context: GitContext,
  paths: readonly BytePath[],
): Promise<{ ok: true; paths: BytePath[] } | GitFailure> {
  if (paths.length === 0) return { ok: true, paths: [] };
  const asked = pathList(paths.map((path) => `./${path}`));
  const answer = await runGit(context, ['check-ignore', '-z', '--stdin'], asked);
  if (answer.ok)
    return { ok: true, paths: splitRecords(answer.stdout).map((path) => path.slice('./'.length)) };
  return answer.cause === 'exit' && answer.exitCode === 1 ? { ok: true, paths: [] } : answer;
}

/**
 * Copies files of the caller into the checkout, and gives the paths that arrived. A link is copied as a link,
 * and only when it stays inside the tree; nothing is written through one.
 */
export function copyIncluded(root: string, checkout: string, paths: readonly BytePath[]): CarriedFiles {
  const copied: BytePath[] = [];
  const left: BytePath[] = [];
  for (const path of paths) (copyOne(root, checkout, path) ? copied : left).push(path);
  if (left.length === 0) return { paths: copied, left, warnings: [] };
  return {
    paths: copied,
    left,
    warnings: [`Files that ${RULES_FILE} names could not be copied: ${nameSome(left)}.`],
  };
}

function copyOne(root: string, checkout: string, path: BytePath): boolean {
  const [source, target] = [absolutePath(root, path), absolutePath(checkout, path)];
  try {
    const found = lookAt(root, path);
    if (lookAt(checkout, path) !== undefined || !makeParents(checkout, path)) return false;
    if (found?.isSymbolicLink()) {
      if (!staysInside(path, readlinkSync(source, 'latin1'))) return false;
      symlinkSync(readlinkSync(source, 'buffer'), target);
      return true;
    }
    if (!found?.isFile()) return false;
    copyFileSync(source, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    return true;
  } catch {
    return false;
  }
}

/** False where one of them is a link in the checkout: through it, the copy could land outside. */
function makeParents(checkout: string, path: BytePath): boolean {
  const names = path.split('/').slice(0, -1);
  return names.every((_, depth) => {
    const parent = names.slice(0, depth + 1).join('/');
    if (lookAt(checkout, parent) === undefined) mkdirSync(absolutePath(checkout, parent));
    return lookAt(checkout, parent)?.isDirectory() ?? false;
  });
}

/**
 * Whether a link at `path` with this target leads to a place inside the tree, where other links of the tree do too, as
 * far as its words tell: what goes up again after a name may go up from where another link leads.
 */
export function staysInside(path: BytePath, target: BytePath): boolean {
  if (target.startsWith('/')) return false;
  const steps = target.split('/').filter((step) => step !== '' && step !== '.');
  const firstName = steps.findIndex((step) => step !== '..');
  const up = firstName < 0 ? steps.length : firstName;
  return up < path.split('/').length && !steps.slice(up).includes('..');
}
