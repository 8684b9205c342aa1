import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type CheckedOutSubmodule, noAdditions, writeAdditions } from './additions.js';
import { type BytePath, lookAt, lookInside, splitRecords, toBytes } from './byte-path.js';
import type { Caller } from './caller.js';
import { nameSome } from './carried-files.js';
import { type CallerEnvironment, ownEnvironment } from './environment.js';
import { type GitContext, type GitFailure, runGit } from './git.js';
import { copyIndex, makeGitDirectory, rawAttributes } from './git-directory.js';
import { SUBMODULE_MODE } from './modes.js';
import type { Repository } from './repository.js';
import { copySharedIndexes } from './seed.js';
import { type SlotLayout, slotContext, slotLayout } from './slot.js';

/** A submodule as the index of its superproject records it. */
export interface Gitlink {
  path: BytePath;
  commit: string;
}

/** Where the caller has a repository: its working tree, and the git directories that may hold its submodules. */
interface Source {
  root: string;
  gitDirectories: readonly string[];
}

interface Furnished {
  submodules: CheckedOutSubmodule[];
  /** Full paths, from the root of the checkout. */
  missing: BytePath[];
  dirty: BytePath[];
  /** Nobody can tell whether the caller changed something there. */
  unknown: BytePath[];
}

interface Job {
  objectFormat: string;
  environment: CallerEnvironment;
  signal: AbortSignal;
}

/** The slot of a submodule: a git directory of ours in the slot's `modules`, its files below the checkout. */
export const submoduleSlot = (slot: SlotLayout, { path, directory }: CheckedOutSubmodule): SlotLayout => ({
  ...slotLayout(join(slot.modules, directory)),
  checkout: join(slot.checkout, toBytes(path).toString('utf8')),
  aside: slot.aside,
});

/**
 * Checks submodules out at their recorded commits, those within them too, where the caller has their objects.
 * Each gets a git directory of ours; hooks, configuration and changes of the caller's are left alone.
 */
export async function checkOutSubmodules(
  slot: SlotLayout,
  caller: Caller,
  gitlinks: readonly Gitlink[],
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<{ submodules: CheckedOutSubmodule[]; warnings: string[] }> {
  if (gitlinks.length === 0) return { submodules: [], warnings: [] };
  const source = sourceOf(caller.repository);
  const job = { objectFormat: caller.objectFormat, environment, signal };
  const { submodules, missing, dirty, unknown } = await furnish(slot, source, gitlinks, job);
  const warnings: [BytePath[], string][] = [
    [missing, 'Submodules whose objects are not at hand are empty directories in the worktree'],
    [dirty, 'Uncommitted changes inside submodules were not carried over'],
    [unknown, 'Whether files of these submodules changed is not known'],
  ];
  return {
    submodules,
    warnings: warnings
      .filter(([paths]) => paths.length > 0)
      .map(([paths, words]) => `${words}: ${nameSome(paths)}.`),
  };
}

/** How many submodules of a commit the caller has the objects of; those within them are not counted. */
export async function countSubmodules(
  context: GitContext,
  { repository }: Caller,
  commit: string,
  paths: readonly BytePath[],
): Promise<{ present: number; missing: number }> {
  if (paths.length === 0) return { present: 0, missing: 0 };
  const source = sourceOf(repository);
  const names = await listNames(context, [`--blob=${commit}:.gitmodules`]);
  const found = await Promise.all(paths.map((path) => findGitDirectory(source, path, names.get(path))));
  const present = found.filter((directory) => directory !== null).length;
  return { present, missing: paths.length - present };
}

const sourceOf = ({ root, gitDirectory, commonDirectory }: Repository): Source => ({
  root,
  gitDirectories: [...new Set([gitDirectory, commonDirectory])],
});

async function furnish(
  slot: SlotLayout,
  source: Source,
  gitlinks: readonly Gitlink[],
  job: Job,
): Promise<Furnished> {
  const all: Furnished = { submodules: [], missing: [], dirty: [], unknown: [] };
  const names = await readNames(slot, job);
  for (const [index, { path, commit }] of gitlinks.entries()) {
    const submodule = { path, commit, directory: String(index) };
    const theirs = await findGitDirectory(source, path, names.get(path));
    const within = theirs && (await checkOutOne(slot, submodule, theirs, source, job));
    if (!within) {
      all.missing.push(path);
      continue;
    }
    all.submodules.push(submodule);
    all.missing.push(...within.missing.map((inner) => `${path}/${inner}`));
    all.dirty.push(...within.dirty.map((inner) => `${path}/${inner}`));
    all.unknown.push(...within.unknown.map((inner) => `${path}/${inner}`));
    const state = await findState(slot, submodule, theirs, source, job);
    if (state !== 'clean') all[state].push(path);
  }
  return all;
}

/** Names of submodules by their paths, from `.gitmodules` in the checkout: gitmodules(5). */
async function readNames(slot: SlotLayout, job: Job): Promise<Map<BytePath, string>> {
  if (!lookAt(slot.checkout, '.gitmodules')?.isFile()) return new Map();
  const context = slotContext(slot, job.environment, job.signal);
  return listNames(context, ['--file', '.gitmodules']);
}

async function listNames(context: GitContext, source: readonly string[]): Promise<Map<BytePath, string>> {
  const names = new Map<BytePath, string>();
  const listed = await runGit(context, ['config', ...source, '--no-includes', '--list', '-z']);
  if (!listed.ok) return names;
  for (const record of splitRecords(listed.stdout)) {
    const [, name, path] = /^submodule\.(.+)\.path\n(.+)$/s.exec(record) ?? [];
    if (name !== undefined && path !== undefined) names.set(path, toBytes(name).toString('utf8'));
  }
  return names;
}

async function findGitDirectory(
  { root, gitDirectories }: Source,
  path: BytePath,
  name: string | undefined,
): Promise<string | null> {
  const candidates = [
    ...(name === undefined || name.split('/').includes('..')
      ? []
      : gitDirectories.map((directory) => join(directory, 'modules', name))),
    join(root, toBytes(path).toString('utf8'), '.git'),
  ];
  for (const candidate of candidates) {
    const objects = await stat(join(candidate, 'objects')).catch(() => null);
    if (objects?.isDirectory()) return candidate;
  }
  return null;
}

async function checkOutOne(
  outer: SlotLayout,
  submodule: CheckedOutSubmodule,
  theirs: string,
  source: Source,
  job: Job,
): Promise<Furnished | null> {
  const slot = submoduleSlot(outer, submodule);
  // A link in its place, or on the way, would lead git elsewhere.
  if (!lookInside(outer.checkout, submodule.path)?.isDirectory()) return null;
  makeGitDirectory(slot.gitDirectory, {
    objectFormat: job.objectFormat,
    head: submodule.commit,
    borrowedObjects: [join(theirs, 'objects')],
    settings: [],
    attributes: rawAttributes,
    excludes: Buffer.alloc(0),
  });
  const context = slotContext(slot, job.environment, job.signal);
  const checkedOut = await runGit(context, ['read-tree', '-u', '--reset', submodule.commit]);
  const listed = checkedOut.ok ? await runGit(context, ['ls-files', '--stage', '-z']) : checkedOut;
  if (!listed.ok) return null;
  const inside = {
    root: join(source.root, toBytes(submodule.path).toString('utf8')),
    gitDirectories: [theirs],
  };
  const furnished = await furnish(slot, inside, readGitlinks(listed.stdout), job);
  writeAdditions(slot, { ...noAdditions, submodules: furnished.submodules });
  return furnished;
}

/** Compares the caller's files with the recorded commit, through a copy of the submodule's index. */
async function findState(
  outer: SlotLayout,
  submodule: CheckedOutSubmodule,
  theirs: string,
  source: Source,
  job: Job,
): Promise<'clean' | 'dirty' | 'unknown'> {
  const slot = submoduleSlot(outer, submodule);
  const workTree = join(source.root, toBytes(submodule.path).toString('utf8'));
  const index = join(theirs, 'index');
  const [link, file] = await Promise.all(
    [join(workTree, '.git'), index].map((path) => stat(path).catch(() => null)),
  );
  if (!link || !file) return 'clean';
  // To copy a named pipe would hold up the thread for ever.
  if (!file.isFile()) return 'unknown';
  await mkdir(slot.seed, { recursive: true });
  const copy = join(slot.seed, 'index');
  copyIndex(index, copy);
  copySharedIndexes(theirs, slot.gitDirectory);
  const context: GitContext = {
    directory: workTree,
    environment: ownEnvironment(job.environment, { gitDirectory: slot.gitDirectory, workTree, index: copy }),
    signal: job.signal,
  };
  // Their times may be stale: then the content counts.
  const unstaged = await runGit(context, ['update-index', '--ignore-submodules', '--refresh']);
  const staged = await runGit(context, ['diff-index', '--cached', '--quiet', submodule.commit]);
  const failures = [unstaged, staged].filter((compared) => !compared.ok);
  if (failures.some(tellsOfChanges)) return 'dirty';
  return failures.length === 0 ? 'clean' : 'unknown';
}

/** Both commands exit with 1 where something differs, with more where they cannot tell. */
const tellsOfChanges = ({ cause, exitCode }: GitFailure): boolean => cause === 'exit' && exitCode === 1;

/** The submodules in the output of `git ls-files --stage -z`. */
const readGitlinks = (listing: Buffer): Gitlink[] =>
  splitRecords(listing)
    .filter((record) => record.startsWith(`${SUBMODULE_MODE} `))
    .map((record) => ({
      path: record.slice(record.indexOf('\t') + 1),
      commit: record.split(' ')[1] ?? '',
    }));
