import { constants } from 'node:fs';
import { chmod, copyFile, lstat, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LargeFile } from './additions.js';
import { absolutePath, type BytePath, lookAt, lookInside, pathList, splitRecords } from './byte-path.js';
import type { Caller } from './caller.js';
import { nameSome } from './carried-files.js';
import { type CallerEnvironment, ownEnvironment } from './environment.js';
import { hashOfFile } from './file-hash.js';
import { type GitContext, type GitFailure, runGit } from './git.js';
import { makeGitDirectory } from './git-directory.js';
import type { IndexListing } from './index-listing.js';
import { MAX_POINTER_BYTES, type Pointer, parsePointer } from './pointers.js';
import { readRegularFile } from './regular-file.js';
import type { Repository } from './repository.js';
import { type SlotLayout, slotContext } from './slot.js';

const LARGE_FILE_RULE = 'filter=lfs';
export const ATTRIBUTES = '.gitattributes';
const MAX_ATTRIBUTES_BYTES = 4 * 1024 * 1024;
/** What git-lfs content may take in one checkout, in all. */
const MAX_CONTENT_BYTES = 4 * 1024 ** 3;

/** The files of a fresh checkout of the baseline that are pointers of git-lfs. `index` tells all of its files. */
export async function findLargeFiles(
  slot: SlotLayout,
  caller: Caller,
  index: IndexListing,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<{ ok: true; largeFiles: LargeFile[] } | GitFailure> {
  const attributes = readOwnAttributes(caller.repository);
  const named =
    hasLargeFileRule(caller.repository) || namesLargeFiles(slot.checkout, index.named(ATTRIBUTES));
  if (!named) return { ok: true, largeFiles: [] };
  const filtered = await findFiltered(slot, caller, index.paths(), attributes, environment, signal);
  if (!filtered.ok) return filtered;
  const largeFiles = filtered.paths.flatMap((path) => {
    const pointer = readPointer(slot, path);
    return pointer === null ? [] : [{ path, ...pointer }];
  });
  return { ok: true, largeFiles };
}

interface Restored {
  restored: LargeFile[];
  /** Those that the patch of an earlier job replaced: they are left as they lie. */
  replaced: LargeFile[];
  /** Of those whose content is not at hand. */
  warnings: string[];
}

/**
 * Puts the content of git-lfs files, where the caller has it, in the place of their pointers, as the smudge
 * filter of git-lfs would; no program of git-lfs is run.
 */
export async function restoreLargeFiles(
  slot: SlotLayout,
  caller: Caller,
  largeFiles: readonly LargeFile[],
): Promise<Restored> {
  const restored: LargeFile[] = [];
  const replaced: LargeFile[] = [];
  const missing: BytePath[] = [];
  let room = MAX_CONTENT_BYTES;
  for (const largeFile of largeFiles) {
    const { path, oid } = largeFile;
    const pointer = readPointer(slot, path);
    if (pointer?.oid !== oid) replaced.push(largeFile);
    else if (pointer.bytes <= room && (await restore(slot, caller, path, pointer))) {
      room -= pointer.bytes;
      restored.push(largeFile);
    } else missing.push(path);
  }
  const warnings =
    missing.length === 0
      ? []
      : [
          `Content of git-lfs files that is not at hand: their pointers lie in its place: ${nameSome(missing)}.`,
        ];
  return { restored, replaced, warnings };
}

const readOwnAttributes = ({ commonDirectory }: Repository): Buffer | null =>
  readRegularFile(join(commonDirectory, 'info', 'attributes'), MAX_ATTRIBUTES_BYTES);

/** Whether attributes that are no part of the tree name files of git-lfs. */
export const hasLargeFileRule = (repository: Repository): boolean =>
  readOwnAttributes(repository)?.includes(LARGE_FILE_RULE) ?? false;

/** A look at the attribute files themselves: most repositories have no filter, and need not ask git. */
export function namesLargeFiles(checkout: string, paths: readonly BytePath[]): boolean {
  for (const path of paths) {
    if (path !== ATTRIBUTES && !path.endsWith(`/${ATTRIBUTES}`)) continue;
    const rules = readRegularFile(absolutePath(checkout, path), MAX_ATTRIBUTES_BYTES);
    if (rules?.includes(LARGE_FILE_RULE)) return true;
  }
  return false;
}

/** Asks with a git directory that has the caller's attributes: those of the slot switch every filter off. */
async function findFiltered(
  slot: SlotLayout,
  { headCommit, objectFormat }: Caller,
  paths: readonly BytePath[],
  attributes: Buffer | null,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<{ ok: true; paths: BytePath[] } | GitFailure> {
  await rm(slot.seed, { recursive: true, force: true });
  makeGitDirectory(slot.seed, {
    objectFormat,
    head: headCommit,
    borrowedObjects: [slot.objects],
    settings: [],
    attributes: attributes ?? Buffer.alloc(0),
    excludes: Buffer.alloc(0),
  });
  const context: GitContext = {
    directory: slot.checkout,
    environment: ownEnvironment(environment, {
      gitDirectory: slot.seed,
      workTree: slot.checkout,
      index: slot.index,
    }),
    signal,
  };
  const answer = await runGit(
    context,
    ['check-attr', '--cached', '-z', '--stdin', 'filter'],
    pathList(paths),
  );
  await rm(slot.seed, { recursive: true, force: true });
  if (!answer.ok) return answer;
  const fields = splitRecords(answer.stdout);
  // Records come in threes: path, attribute, value.
  return { ok: true, paths: fields.filter((_, at) => at % 3 === 0 && fields[at + 2] === 'lfs') };
}

function readPointer(slot: SlotLayout, path: BytePath): Pointer | null {
  if (!lookInside(slot.checkout, path)?.isFile()) return null;
  const content = readRegularFile(absolutePath(slot.checkout, path), MAX_POINTER_BYTES);
  return parsePointer(content?.toString('latin1') ?? '');
}

/** False also for content that was cut short: the smudge filter of git-lfs looks at the size, too. */
async function restore(
  slot: SlotLayout,
  caller: Caller,
  path: BytePath,
  { oid, bytes }: Pointer,
): Promise<boolean> {
  const store = join(caller.repository.commonDirectory, 'lfs', 'objects', oid.slice(0, 2), oid.slice(2, 4));
  const [source, target] = [join(store, oid), absolutePath(slot.checkout, path)];
  const copy = `${slot.seed}-large-file`;
  try {
    const { mode } = await lstat(target);
    const found = await lstat(source);
    if (!found.isFile() || found.size !== bytes) return false;
    await copyFile(source, copy, constants.COPYFILE_FICLONE);
    await chmod(copy, mode & 0o777);
    await rename(copy, target);
    return true;
  } catch {
    await rm(copy, { force: true });
    return false;
  }
}

/** Records the mode of files whose content is unchanged: their entries keep the pointer. */
export async function recordModes(
  context: GitContext,
  paths: ReadonlySet<BytePath>,
): Promise<{ ok: true } | GitFailure> {
  if (paths.size === 0) return { ok: true };
  const listed = await runGit(context, ['ls-files', '--stage', '-z']);
  if (!listed.ok) return listed;
  const entries = splitRecords(listed.stdout).flatMap((record) => {
    const [path, id] = [record.slice(record.indexOf('\t') + 1), record.split(' ')[1]];
    if (!paths.has(path)) return [];
    const executable = ((lookAt(context.directory, path)?.mode ?? 0) & 0o100) !== 0;
    return [`${executable ? '100755' : '100644'} ${id} 0\t${path}`];
  });
  return runGit(context, ['update-index', '-z', '--index-info'], pathList(entries));
}

/** In the agent's own index, their content counts as unchanged: its git knows pointers only. */
export async function hideLargeFiles(
  slot: SlotLayout,
  restored: readonly BytePath[],
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<{ ok: true } | GitFailure> {
  if (restored.length === 0) return { ok: true };
  const context = slotContext(slot, environment, signal, join(slot.checkout, '.git', 'index'));
  return runGit(context, ['update-index', '--assume-unchanged', '-z', '--stdin'], pathList(restored));
}

/**
 * Which of the files are what the baseline's pointer stands for, as content or as that pointer, and which have another
 * content. The rest are pointers to something else, or no files.
 */
export async function sortLargeFiles(
  slot: SlotLayout,
  largeFiles: readonly LargeFile[],
): Promise<{ unchanged: ReadonlySet<BytePath>; whole: BytePath[] }> {
  const unchanged = new Set<BytePath>();
  const whole: BytePath[] = [];
  for (const { path, oid, bytes } of largeFiles) {
    const pointer = readPointer(slot, path);
    const found = lookInside(slot.checkout, path);
    // What is of another size, or larger than any that was put there, may take hours to read.
    const mayBe = found?.size === bytes && bytes <= MAX_CONTENT_BYTES;
    const isContent = async () => mayBe && (await hashOfFile(absolutePath(slot.checkout, path))) === oid;
    if (pointer?.oid === oid || (await isContent())) unchanged.add(path);
    else if (pointer === null && found?.isFile()) whole.push(path);
  }
  return { unchanged, whole };
}
