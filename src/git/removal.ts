import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { trashOf } from './slot.js';
import { runQuietly } from './system.js';

/**
 * Removes a slot: by a rename, after which it is gone for everybody, and then a deletion at low priority.
 * Never rejects: what cannot be deleted stays in the trash for the next sweep. A slot that is not there is
 * fine.
 */
export async function removeWorktree(slotDirectory: string): Promise<void> {
  const trash = trashOf(slotDirectory);
  const doomed = join(trash, `${basename(slotDirectory)}-${randomUUID()}`);
  try {
    await mkdir(trash, { recursive: true });
    await rename(slotDirectory, doomed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') await deleteTree(slotDirectory);
    return;
  }
  await deleteTree(doomed);
}

/** Deletes what an earlier daemon left in the trash of any repository. Never rejects. */
export async function sweepTrash(repositoriesDirectory: string): Promise<void> {
  for (const repository of await namesIn(repositoriesDirectory)) {
    const trash = join(repositoriesDirectory, repository, 'trash');
    for (const name of await namesIn(trash)) await deleteTree(join(trash, name));
  }
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

/** A child of low priority: Node's own `rm` takes three times the work and holds up the thread. */
async function deleteTree(path: string): Promise<void> {
  if (await runQuietly('nice', ['rm', '-rf', '--', path])) return;
  // Directories that their owner may not write to keep what is in them.
  await runQuietly('nice', ['chmod', '-R', 'u+rwX', '--', path]);
  await runQuietly('nice', ['rm', '-rf', '--', path]);
}
