import { dirname, join } from 'node:path';
import type { Settings } from '../config.js';
import { promptLook } from '../git/look.js';
import { findMountWay, mountedWords } from '../git/overlay.js';
import { kindAt } from '../git/overlay-checkout.js';
import { isOverlaySlot } from '../git/slot.js';
import { stateLayout } from '../job/layout.js';
import type { RunTask } from '../pool/messages.js';

/** Where an agent works. */
export interface Place {
  /** The caller's subdirectory of the checkout, or its root. */
  directory: string;
  /** Words that show it to the agent; none where everybody sees it. */
  view: readonly string[];
}

/**
 * The caller's subdirectory in the checkout; its root where the checkout does not have that directory, or has a
 * symlink in its place that would take the agent elsewhere. Null when the checkout is gone.
 */
export async function findPlace(
  { worktree, submission }: RunTask,
  settings: Settings,
): Promise<Place | null> {
  const root = promptLook.realPath(worktree);
  if (root === null) return null;
  const slot = dirname(root);
  const directory = join(root, submission.subdirectory);
  if (!isOverlaySlot(slot)) return { directory: isReal(directory) ? directory : root, view: [] };
  const way = await findMountWay(stateLayout(settings.stateDir).repositories);
  const view = way === null ? null : mountedWords(way, slot);
  const there = kindAt(slot, Buffer.from(submission.subdirectory).toString('latin1')) === 'directory';
  return view === null ? null : { directory: there ? directory : root, view };
}

const isReal = (directory: string): boolean =>
  promptLook.realPath(directory) === directory && promptLook.at(directory)?.isDirectory() === true;
