import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, refuse, succeed } from '../errors.js';
import type { KeptPatch } from './apply-patch.js';
import { type GitContext, runGit } from './git.js';
import { linkObjects } from './object-mirror.js';
import type { SlotLayout } from './slot.js';

/** An earlier job, as one that goes on from it needs to know it. */
export interface Continued {
  baselineCommit: string;
  /** Where `keepBaseline` put its objects, if it had any to keep. */
  keptObjects: string;
  patch: KeptPatch;
}

/**
 * Keeps the objects that a baseline added to those of the caller's repository, as links in an object directory
 * of the job, so that a later job can begin where this one did. A baseline that is a commit of the caller's
 * adds none. Where links are impossible nothing is kept, and nobody can go on from the job.
 */
export async function keepBaseline(commit: string, slot: SlotLayout, keptObjects: string): Promise<void> {
  const isOurs = existsSync(join(slot.objects, commit.slice(0, 2), commit.slice(2)));
  if (isOurs) await linkObjects(slot.objects, keptObjects);
}

/** Brings the objects kept of an earlier job's baseline into the slot. Refuses when the commit is gone all the same. */
export async function bringBaseline(
  { baselineCommit, keptObjects }: Continued,
  slot: SlotLayout,
  context: GitContext,
): Promise<Outcome<null>> {
  if (existsSync(keptObjects)) await linkObjects(keptObjects, slot.objects);
  const found = await runGit(context, ['cat-file', '-e', `${baselineCommit}^{tree}`]);
  if (found.ok) return succeed(null);
  return refuse('cannot_continue', {
    message: `The commit that the earlier job started from is not in the repository any more: ${baselineCommit}.`,
  });
}
