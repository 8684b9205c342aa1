import { createHash } from 'node:crypto';
import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { type CallerEnvironment, ownEnvironment } from './environment.js';
import type { GitContext } from './git.js';

/**
 * The place that one worktree lives in. `checkout` is the agent's; everything beside it is ours:
 *
 *     <repositories>/<repository>/slots/<slot>/wt      the checkout
 *                                             /git     our git directory, with the trusted index
 *                                             /seed    for a while, what comes of the caller's files
 *                                             /aside   git directories that the agent left
 *                                             /ignore  the baseline's .gitignore files
 *                                             /borrowed  the mirror of the caller's objects that it borrows from
 *                                             /mirror  objects of the caller, safe from their gc
 *                                             /modules our git directories of submodules
 *                                             /additions.json  what the checkout has beside its baseline
 *                                             /made    empty; made when the checkout was finished
 *                                             /stamps.json  how directories lay when it was last as new
 *                                             /scrub   while the slot is scrubbed: what was too much
 *                                             /lower   link to the lower tree that the checkout is laid over
 *                                             /upper   what differs from that tree; then wt is a mount point
 *                                             /work    the overlay's own
 *                                             /differing  paths at which the baseline is not the lower tree's
 *     <repositories>/<repository>/idle/<name>/wt       a checkout as new, for the next job
 *                                            /index    its trusted index
 *                                            /stamps.json
 *                                            /warm    directories of dependencies, to be put into the next checkout
 *     <repositories>/<repository>/lower/<name>/        the same, but never written to again: a lower tree
 *     <repositories>/<repository>/trash/               what waits for deletion
 */
export interface SlotLayout {
  checkout: string;
  gitDirectory: string;
  objects: string;
  index: string;
  seed: string;
  aside: string;
  ignoreRules: string;
  mirror: string;
  modules: string;
  additions: string;
  made: string;
  /** How the directories lay when the checkout was last as new. */
  stamps: string;
  scrub: string;
  lower: string;
  upper: string;
  work: string;
  differing: string;
  /** The trusted index of a slot that is idle. */
  idleIndex: string;
  warm: string;
}

export const slotLayout = (slot: string): SlotLayout => ({
  checkout: join(slot, 'wt'),
  gitDirectory: join(slot, 'git'),
  objects: join(slot, 'git', 'objects'),
  index: join(slot, 'git', 'index'),
  seed: join(slot, 'seed'),
  aside: join(slot, 'aside'),
  ignoreRules: join(slot, 'ignore'),
  mirror: join(slot, 'mirror'),
  modules: join(slot, 'modules'),
  additions: join(slot, 'additions.json'),
  made: join(slot, 'made'),
  stamps: join(slot, 'stamps.json'),
  scrub: join(slot, 'scrub'),
  lower: join(slot, 'lower'),
  upper: join(slot, 'upper'),
  work: join(slot, 'work'),
  differing: join(slot, 'differing'),
  idleIndex: join(slot, 'index'),
  warm: join(slot, 'warm'),
});

/**
 * The layout of a slot over a lower tree. For git commands of ours the checkout is the upper directory: what is not
 * in it is as in the lower tree. Only a process that has the overlay mounted sees the whole, at the mount point.
 */
export const overlaySlotLayout = (slot: string): SlotLayout => {
  const layout = slotLayout(slot);
  return { ...layout, checkout: layout.upper };
};

/** The layout of a slot that was made, whichever form it has. */
export const layoutOf = (slot: string): SlotLayout =>
  isOverlaySlot(slot) ? overlaySlotLayout(slot) : slotLayout(slot);

export const isOverlaySlot = (slot: string): boolean =>
  lstatSync(slotLayout(slot).lower, { throwIfNoEntry: false }) !== undefined;

/**
 * Whether the checkout of a slot lies where it is looked for. Where an agent put a link in its place there is none:
 * behind it lies what is somebody else's, and is neither to be looked through, nor written to, nor scrubbed.
 */
export const isCheckout = (path: string): boolean =>
  isOwnDirectory(path, join(path, '..', '..', '..', '..', '..'));

/** Whether a directory that holds slots, or what waits for deletion, is what it was made as, and no link to elsewhere. */
export const isShelf = (path: string): boolean => isOwnDirectory(path, join(path, '..', '..', '..'));

/** True of a directory below real directories all the way from the state directory. */
function isOwnDirectory(path: string, stateDirectory: string): boolean {
  try {
    const real = join(realpathSync(stateDirectory), relative(stateDirectory, path));
    return realpathSync(path) === real && lstatSync(path).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Directory of a slot. `commonDirectory` is the repository's shared git directory, real path; `slot` is the
 * id of the job that works there.
 */
export const slotDirectory = (repositoriesDirectory: string, commonDirectory: string, slot: string): string =>
  join(repositoriesDirectory, repositoryId(commonDirectory), 'slots', slot);

/** The trash of the repository that a slot belongs to: on the same disk, so that a rename gets there. */
export const trashOf = (slot: string): string => join(dirname(dirname(slot)), 'trash');

/** Where the lower trees of the same repository are. */
export const lowerTreesOf = (slot: string): string => join(dirname(dirname(slot)), 'lower');

/** Where the idle slots of the same repository are. */
export const idleOf = (slot: string): string => join(dirname(dirname(slot)), 'idle');

/** The context of git commands on a slot, with its trusted index or, for a capture, with another one. */
export const slotContext = (
  slot: SlotLayout,
  environment: CallerEnvironment,
  signal: AbortSignal,
  index?: string,
): GitContext => ({
  directory: slot.checkout,
  environment: ownEnvironment(environment, {
    gitDirectory: slot.gitDirectory,
    workTree: slot.checkout,
    ...(index === undefined ? {} : { index }),
  }),
  signal,
});

/** The context of git commands on trees: such a one reads no index, which git would read whole, needed or not. */
export const treesContext = (
  slot: SlotLayout,
  environment: CallerEnvironment,
  signal: AbortSignal,
): GitContext => slotContext(slot, environment, signal, join(slot.gitDirectory, 'no-index'));

/** A name that people recognise, and a hash that tells repositories of one name apart. */
function repositoryId(commonDirectory: string): string {
  const last = basename(commonDirectory);
  const name = last === '.git' ? basename(dirname(commonDirectory)) : last.replace(/\.git$/, '');
  // Questions about no repository have a place of their own.
  const readable = (name || 'none').replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 40);
  const hash = createHash('sha256').update(commonDirectory).digest('hex').slice(0, 16);
  return `${readable}-${hash}`;
}
