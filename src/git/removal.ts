import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, renameSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { trashOf } from './slot.js';
import { runQuietly } from './system.js';

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
  else if (doomed !== null) deleteSoon(doomed);
}

/**
 * Like `discard`, for what somebody may have taken into use a moment ago: looks once more when nobody can take it
 * any more, and puts it back if it is `inUse`.
 */
export async function discardUnless(slotDirectory: string, inUse: () => boolean): Promise<void> {
  if (inUse()) return;
  const doomed = moveToTrash(slotDirectory);
  if (doomed === null) return;
  // Where who uses it has made it anew by now, there is no way back, and no need of one.
  const isBack = inUse() && (await isMoved(doomed, slotDirectory));
  if (!isBack) void deleteTree(doomed);
}

const isMoved = (from: string, to: string): Promise<boolean> =>
  rename(from, to).then(
    () => true,
    () => false,
  );

/** Moves some of what is in a slot to the trash, all of it in one place, and does not wait for the deletion. */
export function discardParts(slotDirectory: string, parts: readonly string[]): void {
  const doomed = join(trashOf(slotDirectory), `${basename(slotDirectory)}-${randomUUID()}`);
  mkdirSync(doomed, { recursive: true });
  for (const part of parts) renameSync(part, join(doomed, basename(part)));
  deleteSoon(doomed);
}

/** Where a slot is now, which is its own place if it could not be moved; null when there was none. */
function moveToTrash(slotDirectory: string): string | null {
  const trash = trashOf(slotDirectory);
  const doomed = join(trash, `${basename(slotDirectory)}-${randomUUID()}`);
  try {
    if (lstatSync(slotDirectory, { throwIfNoEntry: false }) === undefined) return null;
    mkdirSync(trash, { recursive: true });
    renameSync(slotDirectory, doomed);
    return doomed;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : slotDirectory;
  }
}

/** Deletes what an earlier daemon left in the trash of any repository. Never rejects. */
export async function sweepTrash(repositoriesDirectory: string): Promise<void> {
  for (const repository of await namesIn(repositoriesDirectory)) {
    const trash = join(repositoriesDirectory, repository, 'trash');
    for (const name of await namesIn(trash)) await deleteTree(join(trash, name));
  }
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

const SOON_MS = 500;
const waiting: string[] = [];

/** Deletes a tree of the trash, with those of the same moment by one program: to start one costs more than what it does. */
function deleteSoon(tree: string): void {
  waiting.push(tree);
  if (waiting.length === 1) setTimeout(deleteWaiting, SOON_MS).unref();
}

/** A moment's trees fit on a command line. */
async function deleteWaiting(): Promise<void> {
  const trees = waiting.splice(0);
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
  await run('chattr', '-R', '-f', '-i', '-a');
  await run('chmod', '-R', 'u+rwX');
  await run('rm', '-rf');
}
