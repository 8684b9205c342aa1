import { randomUUID } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, type Stats, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { overlaySlotLayout } from './slot.js';
import { findOpaque, runQuietly } from './system.js';

/** How a program gets mounts of its own, which end with its last process. */
export interface MountWay {
  /** Words that run another program with the right to mount. */
  unshare: readonly string[];
  /** Words that run another program as the user who asked. */
  asUser: readonly string[];
}

/** A user namespace lets an unprivileged user mount, who is root in it, and in one within it again who they were. */
const ways: readonly MountWay[] = [
  { unshare: ['unshare', '--mount'], asUser: [] },
  {
    unshare: ['unshare', '--user', '--map-root-user', '--mount'],
    asUser: ['unshare', '--user', `--map-user=${process.getuid?.()}`, `--map-group=${process.getgid?.()}`],
  },
];

/**
 * Paths are relative, so that none needs to be quoted in the options. `userxattr`: the marks of the overlay are then
 * the same for every user. The rest keeps each changed file whole in the upper directory, whatever the kernel's
 * defaults are: overlayfs(7) of the kernel's documentation.
 */
const MOUNT =
  'cd "$1" && mount -i -n -t overlay -o userxattr,index=off,lowerdir=lower/wt,upperdir=upper,workdir=work overlay "$1/wt" && cd "$1/wt" && shift && exec "$@"';

/** Words that run what comes after them with the overlay of a slot mounted, for it and for what it starts. */
export const mountedWords = (way: MountWay, slotDirectory: string): string[] => [
  ...way.unshare,
  ...['sh', '-c', MOUNT, 'offshoot-mount', slotDirectory],
  ...way.asUser,
];

/** Said where overlays are asked for and cannot be. */
export const NO_OVERLAY =
  'Worktrees are no overlays here, although the settings ask for it: that takes Linux, `unshare` and GNU `tar`, the right to mount an overlay, and a state directory on a file system that takes one. Ordinary worktrees are made instead.';

const found = new Map<string, Promise<MountWay | null>>();

/**
 * How overlays can be mounted over directories of this disk; null when they cannot. Tried once a thread, on a small
 * tree: a removed file and a replaced directory must be there as `upper-layer.ts` reads them.
 */
export function findMountWay(repositoriesDirectory: string): Promise<MountWay | null> {
  const known = found.get(repositoriesDirectory) ?? tryWays(repositoriesDirectory);
  found.set(repositoriesDirectory, known);
  return known;
}

async function tryWays(repositoriesDirectory: string): Promise<MountWay | null> {
  if (process.platform !== 'linux') return null;
  // In a trash: what a thread that dies leaves there, the next daemon deletes.
  const trash = join(repositoriesDirectory, 'overlay', 'trash');
  for (const way of ways) {
    const place = join(trash, randomUUID());
    const works = await tryWay(way, place).catch(() => false);
    openWork(place);
    await rm(place, { recursive: true, force: true }).catch(() => undefined);
    if (works) return way;
  }
  return null;
}

async function tryWay(way: MountWay, place: string): Promise<boolean> {
  const { lower, upper, work } = overlaySlotLayout(place);
  const below = join(lower, 'wt');
  for (const directory of [join(below, 'replaced'), upper, work, join(place, 'wt')]) {
    mkdirSync(directory, { recursive: true });
  }
  writeFileSync(join(below, 'removed'), '');
  const [program = '', ...words] = mountedWords(way, place);
  const change = 'rm removed && rmdir replaced && mkdir replaced';
  if (!(await runQuietly(program, [...words, 'sh', '-c', change]))) return false;
  const opaque = await findOpaque([Buffer.from(join(upper, 'replaced'))], place);
  return isHole(lstatSync(join(upper, 'removed'))) && opaque?.[0] === true;
}

/** Once the overlay is mounted nowhere: lets its owner delete what the kernel left in the working directory. */
export function openWork(slotDirectory: string): void {
  const { work } = overlaySlotLayout(slotDirectory);
  const own = join(work, 'work');
  // Nowhere else, should an agent without a sandbox have put a link there.
  try {
    if ([work, own].every((path) => lstatSync(path).isDirectory())) chmodSync(own, 0o700);
  } catch {
    // It was never mounted.
  }
}

/** In an upper directory, such a device stands for what was removed from the tree below. */
export const isHole = (stats: Stats): boolean => stats.isCharacterDevice() && stats.rdev === 0;
