import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { type Outcome, refuse, succeed } from '../errors.js';
import { headCommit } from './head.js';
import { type Look, patientLook } from './look.js';
import { firstLine } from './regular-file.js';

/** A checkout that a caller named. All paths are absolute and real. */
export interface Repository {
  /** Root of the working tree. */
  root: string;
  /** Git directory of this checkout: holds its HEAD and index. */
  gitDirectory: string;
  /** Git directory that all linked worktrees share: holds objects, refs and config. */
  commonDirectory: string;
  /** The directory that was named, relative to the root; empty at the root. */
  subdirectory: string;
}

const SMALL_FILE_BYTES = 1024 * 1024;

/**
 * Finds the repository that a directory lies in, by reading files only: it starts no process, so that many
 * submissions at once do not hold up the daemon. What it lets through, git may still refuse later. `look` is how
 * they are looked at: patiently, unless the caller's thread may wait for a disk.
 * Layout: gitrepository-layout(5). Refuses with `invalid_workspace_root`, `not_a_git_repo`,
 * `bare_repository` or `no_commit`.
 */
export async function findRepository(
  directory: string,
  look: Look = patientLook,
): Promise<Outcome<Repository>> {
  const start = await realDirectory(directory, look);
  if (start === null) return refuse('invalid_workspace_root');
  const found = await findUpwards(start, look);
  if (!found.ok) return found;
  const { root, gitDirectory } = found.value;
  const common = await look.read(join(gitDirectory, 'commondir'), SMALL_FILE_BYTES);
  const commonDirectory =
    common === null ? gitDirectory : await realDirectory(resolve(gitDirectory, firstLine(common)), look);
  if (commonDirectory === null) return refuse('not_a_git_repo');
  const [bare, commit] = await Promise.all([
    // A linked worktree has a working tree, even when its repository is bare.
    common === null && isConfiguredBare(gitDirectory, look),
    headCommit(gitDirectory, commonDirectory, look),
  ]);
  if (bare) return refuse('bare_repository');
  if (commit === null) return refuse('no_commit');
  return succeed({ root, gitDirectory, commonDirectory, subdirectory: relative(root, start) });
}

async function realDirectory(path: string, look: Look): Promise<string | null> {
  if (!isAbsolute(path) || /[\x00-\x1f\x7f]/.test(path)) return null;
  const [real, found] = await Promise.all([look.realPath(path), look.at(path)]);
  return found?.isDirectory() ? real : null;
}

async function findUpwards(
  start: string,
  look: Look,
): Promise<Outcome<{ root: string; gitDirectory: string }>> {
  for (let directory = start; ; directory = dirname(directory)) {
    const gitDirectory = await gitDirectoryOf(directory, look);
    if (gitDirectory !== null) return succeed({ root: directory, gitDirectory });
    if (await isGitDirectory(directory, look)) {
      return basename(directory) === '.git'
        ? refuse('bare_repository', { message: 'The workspace root lies inside a git directory.' })
        : refuse('bare_repository');
    }
    if (directory === dirname(directory)) return refuse('not_a_git_repo');
  }
}

/** The git directory that `.git` is, or that a `.git` file of a linked worktree or submodule names. */
async function gitDirectoryOf(directory: string, look: Look): Promise<string | null> {
  const path = join(directory, '.git');
  const kind = await look.at(path);
  if (kind === null) return null;
  if (kind.isDirectory()) {
    const [isGit, real] = await Promise.all([isGitDirectory(path, look), realDirectory(path, look)]);
    return isGit ? real : null;
  }
  const link = await look.read(path, SMALL_FILE_BYTES);
  const target = link === null ? undefined : /^gitdir: (.+)$/.exec(firstLine(link))?.[1];
  return target === undefined ? null : realDirectory(resolve(directory, target), look);
}

async function isGitDirectory(directory: string, look: Look): Promise<boolean> {
  const [head, objects, refs] = await Promise.all(
    ['HEAD', 'objects', 'refs'].map((name) => look.at(join(directory, name))),
  );
  return Boolean(head?.isFile() && objects?.isDirectory() && refs?.isDirectory());
}

async function isConfiguredBare(gitDirectory: string, look: Look): Promise<boolean> {
  const config = await look.read(join(gitDirectory, 'config'), SMALL_FILE_BYTES);
  // Blanks of one line only: whoever looks for more at each of many blank lines is at it for hours.
  const core = /^[ \t]*\[core\]([^[]*)/im.exec(config?.toString('latin1') ?? '')?.[1] ?? '';
  return /^[ \t]*bare[ \t]*(=[ \t]*(true|yes|on|1)[ \t]*)?$/im.test(core);
}
