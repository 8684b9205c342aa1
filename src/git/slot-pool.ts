import { mkdirSync, readdirSync, renameSync, type StatsFs, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { discardLowerTree, listLowerTrees } from './lower-tree.js';
import { namesIn } from './names-in.js';
import { discardOrphans } from './object-mirror.js';
import { discard, discardParts } from './removal.js';
import { idleOf, lowerTreesOf, slotLayout } from './slot.js';
import { type KeptSlot, listKept, nameOf } from './slot-name.js';
import type { SlotSize } from './slot-size.js';

const MAX_IDLE = 64;
const MAX_IDLE_BYTES = 20 * 1024 ** 3;
/** Idle slots take at most this part of a file system, of its bytes and of its inodes. */
const DISK_PART = 1 / 10;

/**
 * Takes an idle slot of the repository to be `slotDirectory`, which must not exist: one at `commit` if there
 * is one, else the one released last. Gives what it was when idle; null when none is. Taking is a rename, so two
 * threads never get the same one, and a thread that dies holds nothing.
 */
export function claimIdleSlot(slotDirectory: string, commit: string): KeptSlot | null {
  const { kept } = listKept(idleOf(slotDirectory));
  const atCommit = (slot: KeptSlot) => slot.commit === commit;
  for (const slot of [...kept.filter(atCommit), ...kept.filter((each) => !atCommit(each))]) {
    if (renamed(slot.path, slotDirectory)) return slot;
  }
  return null;
}

/** Whether something of the repository that `slotDirectory` belongs to waits for a job: an idle slot, or a lower tree. */
export function isWarm(slotDirectory: string): boolean {
  const idle = listKept(idleOf(slotDirectory));
  const lower = listLowerTrees(dirname(lowerTreesOf(slotDirectory)));
  return idle.kept.length + lower.useful.length > 0;
}

/** Gives back a slot that `claimIdleSlot` took, and of which nothing was used. */
export function putBack(slotDirectory: string, { path }: KeptSlot): void {
  emptyForIdle(slotDirectory);
  renameSync(slotDirectory, path);
}

/** Leaves in a slot what an idle one holds. Our git directory goes whole, and the next job's is made from nothing. */
export function emptyForIdle(slotDirectory: string): void {
  const { checkout, idleIndex, stamps, warm } = slotLayout(slotDirectory);
  const kept = [checkout, idleIndex, stamps, warm];
  const paths = readdirSync(slotDirectory).map((name) => join(slotDirectory, name));
  discardParts(
    slotDirectory,
    paths.filter((path) => !kept.includes(path)),
  );
}

/** Puts a scrubbed slot among the idle ones of its repository. */
export function putIdle(slotDirectory: string, commit: string, size: SlotSize): void {
  const idle = idleOf(slotDirectory);
  mkdirSync(idle, { recursive: true, mode: 0o700 });
  renameSync(slotDirectory, join(idle, nameOf({ ...size, commit, releasedAt: Date.now() })));
}

/** How much may be kept. */
export interface PoolBounds {
  /** Idle slots of one repository. */
  warmSlots: number;
  /** Lower trees are of use. */
  overlay: boolean;
}

/**
 * Keeps what waits for the next jobs within its bounds, what was released longest ago out first: so many idle slots
 * and lower trees of one repository, 64 in all, a tenth of the disk and 20 GiB. Lower trees, which serve any number
 * of jobs, come before idle slots. What is not a slot of this form goes too, and the mirrors of repositories that are gone.
 */
export async function trimPool(repositoriesDirectory: string, bounds: PoolBounds): Promise<void> {
  const doomed: string[] = [];
  const idle: KeptSlot[] = [];
  const trees: KeptSlot[] = [];
  for (const name of namesIn(repositoriesDirectory)) {
    const repository = join(repositoriesDirectory, name);
    const { kept, strange } = listKept(join(repository, 'idle'));
    const lower = listLowerTrees(repository, bounds.overlay);
    idle.push(...kept.slice(0, bounds.warmSlots));
    trees.push(...lower.useful);
    doomed.push(...strange, ...kept.slice(bounds.warmSlots).map(({ path }) => path));
    await Promise.all(lower.useless.map(discardLowerTree));
    await discardOrphans(repository);
  }
  const room = roomFor(repositoriesDirectory);
  for (const { path } of beyond(room, trees)) await discardLowerTree(path);
  await Promise.all([...doomed, ...beyond(room, idle).map(({ path }) => path)].map(discard));
}

/** Those that find no room any more; the others take theirs. */
function beyond(room: Room, slots: readonly KeptSlot[]): KeptSlot[] {
  const newest = slots.toSorted((one, other) => other.releasedAt - one.releasedAt);
  return newest.filter(({ bytes, inodes }) => {
    room.slots -= 1;
    room.bytes -= bytes;
    room.inodes -= inodes;
    return room.slots < 0 || room.bytes < 0 || room.inodes < 0;
  });
}

interface Room extends SlotSize {
  slots: number;
}

function roomFor(directory: string): Room {
  const disk = sizeOfDisk(directory);
  const bytes = disk === null ? MAX_IDLE_BYTES : disk.blocks * disk.bsize * DISK_PART;
  // Some file systems have no table of inodes, and say 0.
  const inodes = disk === null || disk.files === 0 ? Number.POSITIVE_INFINITY : disk.files * DISK_PART;
  return { slots: MAX_IDLE, bytes: Math.min(bytes, MAX_IDLE_BYTES), inodes };
}

function sizeOfDisk(directory: string): StatsFs | null {
  try {
    return statfsSync(directory);
  } catch {
    return null;
  }
}

/** Ids of the jobs that have a slot in any repository. */
export const jobsWithSlots = (repositoriesDirectory: string): string[] =>
  namesIn(repositoriesDirectory).flatMap((name) => namesIn(join(repositoriesDirectory, name, 'slots')));

/**
 * Called when the daemon starts, before any job does: the slots of jobs that are over go to the trash, and the pool is
 * brought within its bounds. Slots of other jobs stay as they are. Deleting what an earlier daemon left in the trash
 * is another matter: `sweepTrash`.
 */
export async function reconcileSlots(
  repositoriesDirectory: string,
  overJobIds: ReadonlySet<string>,
  bounds: PoolBounds,
): Promise<void> {
  for (const repository of namesIn(repositoriesDirectory)) {
    const slots = join(repositoriesDirectory, repository, 'slots');
    const left = namesIn(slots).filter((jobId) => overJobIds.has(jobId));
    await Promise.all(left.map((jobId) => discard(join(slots, jobId))));
  }
  await trimPool(repositoriesDirectory, bounds);
}

/** False when somebody else was faster, or when it cannot be: then making a new slot tells why. */
function renamed(from: string, to: string): boolean {
  try {
    mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}
