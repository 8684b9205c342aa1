import { readdir, rm } from 'node:fs/promises';
import type { Store } from '../store/store.js';
import { jobLayout, stateLayout } from './layout.js';

/**
 * Deletes the files of jobs that the store does not know: a daemon died between forgetting a job and deleting
 * its files. Jobs that come meanwhile are in the store before they have files. Leaves
 * what is held for others.
 */
export async function removeOrphans(
  stateDir: string,
  store: Pick<Store, 'get'>,
  isHeld: (jobId: string) => boolean,
): Promise<void> {
  for (const jobId of await readdir(stateLayout(stateDir).jobs).catch(() => [])) {
    if (isHeld(jobId)) continue;
    // A job whose record cannot be read is known all the same.
    const known = await store.get(jobId).catch(() => true);
    if (known === null) await removeArtifacts(stateDir, jobId);
  }
}

/** Deletes the files of a job that was removed while somebody held them, unless somebody does again. */
export async function removeIfGone(
  stateDir: string,
  store: Pick<Store, 'get'>,
  jobId: string,
  isHeld: () => boolean,
): Promise<void> {
  if ((await store.get(jobId)) === null && !isHeld()) await removeArtifacts(stateDir, jobId);
}

/** Deletes all files of a job that has settled. */
export async function removeArtifacts(stateDir: string, jobId: string): Promise<void> {
  await rm(jobLayout(stateDir, jobId).directory, { recursive: true, force: true, maxRetries: 3 });
}
