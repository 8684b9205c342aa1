import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Store } from '../store/store.js';
import { jobLayout, stateLayout } from './layout.js';

/**
 * Notes that a job is about to be removed from the store: should the daemon die before the job's files are deleted,
 * the next one does it. Without the note they stay: a store that does not know a job may be another than the one that
 * does. Synchronous, because it is short and comes before the commit. It does not wait for the disk: of what was removed
 * in the seconds before a power cut the files may stay, and `doctor` names them.
 */
export function noteRemoval(stateDir: string, jobId: string): void {
  const note = removalNote(stateDir, jobId);
  try {
    if (!existsSync(dirname(note))) mkdirSync(dirname(note), { mode: 0o700 });
    writeFileSync(note, '', { mode: 0o600 });
  } catch {
    // On a full disk there is no note: a job can be removed all the same.
  }
}

/** Takes the note back: the job was not removed, or all of it is gone. */
export function forgetRemoval(stateDir: string, jobId: string): void {
  rmSync(removalNote(stateDir, jobId), { force: true });
}

/** Ids of jobs whose removal was begun and not finished. */
export function notedRemovals(stateDir: string): Promise<string[]> {
  return readdir(stateLayout(stateDir).removals).catch(() => []);
}

/** Deletes the files of jobs that a daemon removed from the store before it died. Leaves what is held for others. */
export async function finishRemovals(
  stateDir: string,
  store: Pick<Store, 'get'>,
  isHeld: (jobId: string) => boolean,
): Promise<void> {
  for (const jobId of await notedRemovals(stateDir)) {
    if (isHeld(jobId)) continue;
    // A job whose record cannot be read is known all the same.
    const known = await store.get(jobId).catch(() => true);
    if (known === null) await removeArtifacts(stateDir, jobId);
    else forgetRemoval(stateDir, jobId);
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
  forgetRemoval(stateDir, jobId);
}

const removalNote = (stateDir: string, jobId: string): string => join(stateLayout(stateDir).removals, jobId);
