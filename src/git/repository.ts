import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { type Outcome, refuse, succeed } from '../errors.js';
import { readRegularFile } from './regular-file.js';

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
const PACKED_REFS_BYTES = 64 * 1024 * 1024;
const MAX_SYMBOLIC_REFS = 5;

/**
 * Finds the repository that a directory lies in, by reading files only: it starts no process, so that many
 * submissions at once do not hold up the daemon. What it lets through, git may still refuse later.
 * Layout: gitrepository-layout(5). Refuses with `invalid_workspace_root`, `not_a_git_repo`,
 * `bare_repository` or `no_commit`.
 */
export async function findRepository(directory: string): Promise<Outcome<Repository>> {
  const start = await realDirectory(directory);
  if (start === null) return refuse('invalid_workspace_root');
  const found = await findUpwards(start);
  if (!found.ok) return found;
  const { root, gitDirectory } = found.value;
  const common = await readRegularFile(join(gitDirectory, 'commondir'), SMALL_FILE_BYTES);
  const commonDirectory =
    common === null ? gitDirectory : await realDirectory(resolve(gitDirectory, firstLine(common)));
  if (commonDirectory === null) return refuse('not_a_git_repo');
  const [bare, resolves] = await Promise.all([
    // A linked worktree has a working tree, even when its repository is bare.
    common === null && isConfiguredBare(gitDirectory),
    headResolves(gitDirectory, commonDirectory),
  ]);
  if (bare) return refuse('bare_repository');
  if (!resolves) return refuse('no_commit');
  return succeed({ root, gitDirectory, commonDirectory, subdirectory: relative(root, start) });
}

async function realDirectory(path: string): Promise<string | null> {
  if (!isAbsolute(path) || /[\x00-\x1f\x7f]/.test(path)) return null;
  try {
    const real = await realpath(path);
    return (await stat(real)).isDirectory() ? real : null;
  } catch {
    return null;
  }
}

async function findUpwards(start: string): Promise<Outcome<{ root: string; gitDirectory: string }>> {
  for (let directory = start; ; directory = dirname(directory)) {
    const gitDirectory = await gitDirectoryOf(directory);
    if (gitDirectory !== null) return succeed({ root: directory, gitDirectory });
    if (await isGitDirectory(directory)) {
      return basename(directory) === '.git'
        ? refuse('bare_repository', { message: 'The workspace root lies inside a git directory.' })
        : refuse('bare_repository');
    }
    if (directory === dirname(directory)) return refuse('not_a_git_repo');
  }
}

/** The git directory that `.git` is, or that a `.git` file of a linked worktree or submodule names. */
async function gitDirectoryOf(directory: string): Promise<string | null> {
  const path = join(directory, '.git');
  const kind = await stat(path).catch(() => null);
  if (kind === null) return null;
  if (kind.isDirectory()) return (await isGitDirectory(path)) ? realDirectory(path) : null;
  const link = await readRegularFile(path, SMALL_FILE_BYTES);
  const target = link === null ? undefined : /^gitdir: (.+)$/.exec(firstLine(link))?.[1];
  return target === undefined ? null : realDirectory(resolve(directory, target));
}

async function isGitDirectory(directory: string): Promise<boolean> {
  const entries = ['HEAD', 'objects', 'refs'].map((name) => stat(join(directory, name)).catch(() => null));
  const [head, objects, refs] = await Promise.all(entries);
  return Boolean(head?.isFile() && objects?.isDirectory() && refs?.isDirectory());
}

async function isConfiguredBare(gitDirectory: string): Promise<boolean> {
  const config = await readRegularFile(join(gitDirectory, 'config'), SMALL_FILE_BYTES);
  const core = /^\s*\[core\]([^[]*)/im.exec(config?.toString('latin1') ?? '')?.[1] ?? '';
  return /^\s*bare\s*(=\s*(true|yes|on|1)\s*)?$/im.test(core);
}

async function headResolves(gitDirectory: string, commonDirectory: string): Promise<boolean> {
  // Refs in a reftable are not files; git looks for them later.
  if (await stat(join(commonDirectory, 'reftable')).catch(() => null)) return true;
  let value = await readRegularFile(join(gitDirectory, 'HEAD'), SMALL_FILE_BYTES);
  for (let followed = 0; value !== null && followed <= MAX_SYMBOLIC_REFS; followed += 1) {
    const line = firstLine(value);
    if (/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(line)) return true;
    const name = /^ref:\s*(refs\/.+)$/.exec(line)?.[1];
    if (name === undefined || name.split('/').includes('..')) return false;
    value = await readRegularFile(join(commonDirectory, name), SMALL_FILE_BYTES);
    if (value === null) return isPackedRef(commonDirectory, name);
  }
  return false;
}

async function isPackedRef(commonDirectory: string, name: string): Promise<boolean> {
  const packed = await readRegularFile(join(commonDirectory, 'packed-refs'), PACKED_REFS_BYTES);
  return packed?.includes(` ${name}\n`) ?? false;
}

const firstLine = (content: Buffer): string => (content.toString('utf8').split('\n', 1)[0] ?? '').trimEnd();
