import { copyFile, lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Outcome, refuse, succeed } from '../errors.js';
import type { Caller } from './caller.js';
import { baselineEnvironment, type CallerEnvironment } from './environment.js';
import { explain } from './explain.js';
import { type GitContext, type GitFailure, runGit } from './git.js';
import { copyIndex, makeGitDirectory } from './git-directory.js';
import {
  type BytePath,
  findIndexChanges,
  pathList,
  recordInIndex,
  splitRecords,
  toBytes,
} from './index-changes.js';
import { readRegularFile } from './regular-file.js';
import type { SlotLayout } from './slot.js';

const TAKING = 'taking the baseline';
const MAX_ATTRIBUTES_BYTES = 4 * 1024 * 1024;
/** A file that changes while it is read makes git fail; it may stand still the next time. */
const MAX_ATTEMPTS = 3;

/**
 * Makes the commit that holds HEAD and the caller's uncommitted tracked changes, in the slot's own object
 * directory, and gives its id: HEAD's own where nothing is uncommitted. The caller's index is copied and
 * read through a git directory of ours, whose configuration keeps only what turns files into blobs; so of
 * all programs only the user's own clean filters can run.
 */
export async function takeBaseline(
  caller: Caller,
  slot: SlotLayout,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<Outcome<string>> {
  const context = await prepareSeed(caller, slot, environment, signal);
  if (context === null) return succeed(caller.headCommit);
  for (let attempt = 1; ; attempt += 1) {
    await copyIndex(join(caller.repository.gitDirectory, 'index'), join(slot.seed, 'index'));
    const taken = await commitTree(context, caller);
    if (taken.ok || attempt === MAX_ATTEMPTS || !changedUnderway(taken)) {
      await rm(slot.seed, { recursive: true, force: true });
      if (!taken.ok) return 'fault' in taken ? taken : explain(taken, 'worktree_failed', TAKING);
      return succeed(taken.commit);
    }
  }
}

type Taken = { ok: true; commit: string } | GitFailure | ReturnType<typeof refuse>;

const changedUnderway = (taken: Taken): boolean =>
  !taken.ok &&
  'cause' in taken &&
  taken.cause === 'exit' &&
  /short read|changed|failed to insert|No such file/.test(taken.stderr);

/** Null when the caller has no index: then nothing was ever staged or checked out. */
async function prepareSeed(
  { repository, headCommit, objectFormat, configuration }: Caller,
  slot: SlotLayout,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<GitContext | null> {
  const { gitDirectory, commonDirectory, root } = repository;
  if ((await lstat(join(gitDirectory, 'index')).catch(() => null)) === null) return null;
  const attributes = await readRegularFile(join(commonDirectory, 'info', 'attributes'), MAX_ATTRIBUTES_BYTES);
  await makeGitDirectory(slot.seed, {
    objectFormat,
    head: headCommit,
    borrowedObjects: [],
    // git-lfs keeps a copy of what it cleans; it must not be the caller's.
    settings: [...configuration.conversion, { key: 'lfs.storage', value: join(slot.seed, 'lfs') }],
    attributes: attributes ?? Buffer.alloc(0),
    excludes: Buffer.alloc(0),
  });
  await copySharedIndexes(gitDirectory, slot.seed);
  return {
    directory: root,
    environment: baselineEnvironment(environment, {
      gitDirectory: slot.seed,
      workTree: root,
      objects: slot.objects,
    }),
    signal,
  };
}

/** A split index has its larger part in a file beside it. */
async function copySharedIndexes(from: string, to: string): Promise<void> {
  const shared = (await readdir(from)).filter((name) => name.startsWith('sharedindex.'));
  await Promise.all(shared.map((name) => copyFile(join(from, name), join(to, name))));
}

async function commitTree(context: GitContext, { headCommit }: Caller): Promise<Taken> {
  const revealed = await revealHiddenEntries(context);
  if (!revealed.ok) return revealed;
  const found = await findIndexChanges(context);
  if (!found.ok) return found;
  const recorded = await recordInIndex(context, found.changes);
  if (!recorded.ok) return recorded;
  const [tree, headTree] = await Promise.all([
    runGit(context, ['write-tree']),
    runGit(context, ['rev-parse', '--verify', `${headCommit}^{tree}`]),
  ]);
  if (!tree.ok) return tree;
  if (!headTree.ok) return headTree;
  const treeId = tree.stdout.toString('utf8').trim();
  if (treeId === headTree.stdout.toString('utf8').trim()) return { ok: true, commit: headCommit };
  const commit = await runGit({ ...context, environment: { ...context.environment, ...author } }, [
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

/**
 * Entries marked assume-unchanged or skip-worktree are not compared with their files. Where the file is
 * there the mark is dropped, or the caller's change to it would be lost. Refuses an index with conflicts.
 */
async function revealHiddenEntries(
  context: GitContext,
): Promise<{ ok: true } | GitFailure | ReturnType<typeof refuse>> {
  const listed = await runGit(context, ['ls-files', '--cached', '--stage', '-v', '-z']);
  if (!listed.ok) return listed;
  const entries = splitRecords(listed.stdout).map(parseEntry);
  if (entries.some(({ stage }) => stage !== '0')) return refuse('unmerged_index');
  const hidden = entries.filter(({ tag }) => /^[a-zS]$/.test(tag)).map(({ path }) => path);
  const present = await keepPresent(context.directory, hidden);
  if (present.length === 0) return { ok: true };
  for (const option of ['--no-assume-unchanged', '--no-skip-worktree']) {
    const result = await runGit(context, ['update-index', option, '-z', '--stdin'], pathList(present));
    if (!result.ok) return result;
  }
  return { ok: true };
}

/** An entry of `ls-files --stage -v`: `tag mode id stage`, tab, path. */
function parseEntry(record: string): { tag: string; stage: string; path: BytePath } {
  const tab = record.indexOf('\t');
  return { tag: record.charAt(0), stage: record.charAt(tab - 1), path: record.slice(tab + 1) };
}

async function keepPresent(root: string, paths: readonly BytePath[]): Promise<BytePath[]> {
  const present: BytePath[] = [];
  for (const path of paths) {
    const absolute = Buffer.concat([Buffer.from(`${root}/`), toBytes(path)]);
    if (await lstat(absolute).catch(() => null)) present.push(path);
  }
  return present;
}
