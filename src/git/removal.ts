import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isShelf, trashOf } from './slot.js';
import { dropFixedFlags, runQuietly } from './system.js';

/**
 * Removes a slot: by a rename, after which it is gone for everybody, and then a deletion.
 * Never rejects: what cannot be deleted stays in the trash for the next sweep. A slot that is not there is
 * fine.
 */
export async function removeWorktree(slotDirectory: string): Promise<void> {
  const doomed = moveToTrash(slotDirectory);
  if (doomed !== null) await deleteTree(doomed, []);
}

/** Like `removeWorktree`, for a slot in use or idle, but does not wait for the deletion: it has low priority. */
export async function discard(slotDirectory: string): Promise<void> {
  const doomed = moveToTrash(slotDirectory);
  if (doomed === slotDirectory) void deleteTree(doomed);
  else if (doomed !== null) emptyTrashSoon(slotDirectory);
}

/**
 * Like `discard`, for what somebody may have taken into use a moment ago: looks once more when nobody can take it
 * any more, and puts it back if it is `inUse`.
 */
export async function discardUnless(slotDirectory: string, inUse: () => boolean): Promise<void> {
  if (inUse()) return;
  const doomed = moveToTrash(slotDirectory, ON_TRIAL);
  if (doomed === null) return;
  // Where who uses it has made it anew by now, there is no way back, and no need of one.
  const isBack = inUse() && (await isMoved(doomed, slotDirectory));
  if (!isBack) void deleteTree(doomed);
}

/** Begins the name of what lies in a trash, and may be put back. */
const ON_TRIAL = 'trial-';

const isMoved = (from: string, to: string): Promise<boolean> =>
  rename(from, to).then(
    () => true,
    () => false,
  );

/** Moves some of what is in a slot to the trash, all of it in one place, and does not wait for the deletion. */
export function discardParts(slotDirectory: string, parts: readonly string[]): void {
  const doomed = join(openTrash(slotDirectory), `${basename(slotDirectory)}-${randomUUID()}`);
  mkdirSync(doomed);
  for (const part of parts) renameSync(part, join(doomed, basename(part)));
  emptyTrashSoon(slotDirectory);
}

/** Where a slot is now, which is its own place if it could not be moved; null when none of ours was there. */
function moveToTrash(slotDirectory: string, prefix = ''): string | null {
  try {
    if (lstatSync(slotDirectory, { throwIfNoEntry: false }) === undefined) return null;
    if (!isShelf(dirname(slotDirectory))) return null;
    const doomed = join(openTrash(slotDirectory), `${prefix}${basename(slotDirectory)}-${randomUUID()}`);
    renameSync(slotDirectory, doomed);
    return doomed;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : slotDirectory;
  }
}

/** The trash for a slot, made if need be. A link in its place goes: what is moved into it would be somebody else's. */
function openTrash(slotDirectory: string): string {
  const trash = trashOf(slotDirectory);
  if (!lstatSync(trash, { throwIfNoEntry: false })?.isDirectory()) rmSync(trash, { force: true });
  mkdirSync(trash, { recursive: true });
  return trash;
}

/** Deletes what an earlier daemon left in the trash of any repository. Never rejects. */
export async function sweepTrash(repositoriesDirectory: string): Promise<void> {
  for (const repository of await namesIn(repositoriesDirectory)) {
    const trash = join(repositoriesDirectory, repository, 'trash');
    if (!isShelf(trash)) continue;
    for (const name of await namesIn(trash)) await deleteTree(join(trash, name));
  }
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

const SOON_MS = 500;
/** As many paths fit on a command line. */
const TREES_AT_ONCE = 500;
const waiting = new Set<string>();
let emptying = false;

/**
 * Empties the trash of the repository that a slot belongs to, a moment later: one program deletes what came into it by
 * then, for to start one costs more than what it does. What a thread left there that died before that moment goes too.
 */
export function emptyTrashSoon(slotDirectory: string): void {
  const isFirst = waiting.size === 0 && !emptying;
  waiting.add(trashOf(slotDirectory));
  if (isFirst) setTimeout(emptyWaiting, SOON_MS).unref();
}

async function emptyWaiting(): Promise<void> {
  emptying = true;
  while (waiting.size > 0) {
    const trashes = [...waiting];
    waiting.clear();
    const trees = await Promise.all(trashes.map(doomedIn));
    for (let rest = trees.flat(); rest.length > 0; rest = rest.slice(TREES_AT_ONCE))
      await deleteAll(rest.slice(0, TREES_AT_ONCE));
  }
  emptying = false;
}

/** Nothing of what a link leads to that was put in the trash's place. */
async function doomedIn(trash: string): Promise<string[]> {
  if (!isShelf(trash)) return [];
  return (await namesIn(trash)).filter((name) => !name.startsWith(ON_TRIAL)).map((name) => join(trash, name));
}

async function deleteAll(trees: readonly string[]): Promise<void> {
  if (await runQuietly('nice', ['rm', '-rf', '--', ...trees])) return;
  for (const tree of trees) await deleteTree(tree);
}

/**
 * Deletes a tree whatever its modes are. Never rejects. By a program: Node's own `rm` takes three times the work and
 * holds up the thread.
 */
export async function deleteTree(path: string, priority: readonly string[] = ['nice']): Promise<void> {
  const run = (...words: string[]) => {
    const [program = '', ...args] = [...priority, ...words, '--', path];
    return runQuietly(program, args);
  };
  if (await run('rm', '-rf')) return;
  // What would follow a link that stands there itself is not for what an agent left.
  if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  // Directories that their owner may not write to, and files that nobody may, keep what is there.
  await dropFixedFlags(path);
  await run('chmod', '-R', 'u+rwX');
  await run('rm', '-rf');
}
