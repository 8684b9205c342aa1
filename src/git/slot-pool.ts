import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { discard } from './removal.js';
import type { SlotSize } from './scrub.js';
import { idleOf } from './slot.js';

/** A finished slot that waits for the next job. Its name tells all of this, so a rename puts it in or out. */
export interface IdleSlot extends SlotSize {
  path: string;
  /** Commit whose files lie in it. */
  commit: string;
  /** Instant of its release, in milliseconds since the epoch. */
  releasedAt: number;
}

/** The form of an idle slot: a later form of slots gets another number, and older ones are thrown away. */
const FORM = 'v1';
const MAX_IDLE = 64;
const MAX_IDLE_BYTES = 20 * 1024 ** 3;
/** Idle slots take at most this part of a file system, of its bytes and of its inodes. */
const DISK_PART = 1 / 10;

const nameOf = ({ commit, releasedAt, bytes, inodes }: Omit<IdleSlot, 'path'>): string =>
  [FORM, releasedAt, commit, bytes, inodes, randomUUID()].join('_');

function readName(directory: string, name: string): IdleSlot | null {
  const [form, releasedAt, commit = '', bytes, inodes] = name.split('_');
  if (form !== FORM) return null;
  return {
    path: join(directory, name),
    commit,
    releasedAt: Number(releasedAt),
    bytes: Number(bytes),
    inodes: Number(inodes),
  };
}

/**
 * Takes an idle slot of the repository to be `slotDirectory`, which must not exist: one at `commit` if there
 * is one, else the one released last. Gives the commit whose files lie in it; null when none is idle. Taking
 * is a rename, so two threads never get the same one, and a thread that dies holds nothing.
 */
export async function claimIdleSlot(slotDirectory: string, commit: string): Promise<string | null> {
  const { idle } = await listIdle(idleOf(slotDirectory));
  const newest = idle.toSorted((one, other) => other.releasedAt - one.releasedAt);
  const atCommit = (slot: IdleSlot) => slot.commit === commit;
  for (const slot of [...newest.filter(atCommit), ...newest.filter((each) => !atCommit(each))]) {
    if (await renamed(slot.path, slotDirectory)) return slot.commit;
  }
  return null;
}

/** Puts a scrubbed slot among the idle ones of its repository. */
export async function putIdle(slotDirectory: string, commit: string, size: SlotSize): Promise<void> {
  const idle = idleOf(slotDirectory);
  await mkdir(idle, { recursive: true, mode: 0o700 });
  await rename(slotDirectory, join(idle, nameOf({ ...size, commit, releasedAt: Date.now() })));
}

/**
 * Keeps idle slots within their bounds, those released longest ago out first: `perRepository` of one
 * repository, 64 in all, a tenth of the disk and 20 GiB. What is not a slot of this form goes too.
 */
export async function trimPool(repositoriesDirectory: string, perRepository: number): Promise<void> {
  const doomed: string[] = [];
  const kept: IdleSlot[] = [];
  for (const repository of await namesIn(repositoriesDirectory)) {
    const { idle, strange } = await listIdle(join(repositoriesDirectory, repository, 'idle'));
    const newest = idle.toSorted((one, other) => other.releasedAt - one.releasedAt);
    kept.push(...newest.slice(0, perRepository));
    doomed.push(...strange, ...newest.slice(perRepository).map(({ path }) => path));
  }
  const room = await roomFor(repositoriesDirectory);
  for (const slot of kept.toSorted((one, other) => other.releasedAt - one.releasedAt)) {
    room.slots -= 1;
    room.bytes -= slot.bytes;
    room.inodes -= slot.inodes;
    if (room.slots < 0 || room.bytes < 0 || room.inodes < 0) doomed.push(slot.path);
  }
  await Promise.all(doomed.map(discard));
}

async function roomFor(directory: string): Promise<SlotSize & { slots: number }> {
  const disk = await statfs(directory).catch(() => null);
  const bytes = disk === null ? MAX_IDLE_BYTES : disk.blocks * disk.bsize * DISK_PART;
  // Some file systems have no table of inodes, and say 0.
  const inodes = disk === null || disk.files === 0 ? Number.POSITIVE_INFINITY : disk.files * DISK_PART;
  return { slots: MAX_IDLE, bytes: Math.min(bytes, MAX_IDLE_BYTES), inodes };
}

async function listIdle(directory: string): Promise<{ idle: IdleSlot[]; strange: string[] }> {
  const idle: IdleSlot[] = [];
  const strange: string[] = [];
  for (const name of await namesIn(directory)) {
    const slot = readName(directory, name);
    if (slot === null) strange.push(join(directory, name));
    else idle.push(slot);
  }
  return { idle, strange };
}

/**
 * Called when the daemon starts, before any job does: what is left of jobs that have settled, or that nobody
 * knows, goes to the trash, and the pool is brought within its bounds. Slots of unsettled jobs stay as they
 * are. Deleting what an earlier daemon left in the trash is another matter: `sweepTrash`.
 */
export async function reconcileSlots(
  repositoriesDirectory: string,
  unsettledJobIds: ReadonlySet<string>,
  perRepository: number,
): Promise<void> {
  for (const repository of await namesIn(repositoriesDirectory)) {
    const slots = join(repositoriesDirectory, repository, 'slots');
    const left = (await namesIn(slots)).filter((jobId) => !unsettledJobIds.has(jobId));
    await Promise.all(left.map((jobId) => discard(join(slots, jobId))));
  }
  await trimPool(repositoriesDirectory, perRepository);
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

/** False when somebody else was faster, or when it cannot be: then making a new slot tells why. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await rename(from, to);
    return true;
  } catch {
    return false;
  }
}
