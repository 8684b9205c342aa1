import { statfs } from 'node:fs/promises';
import { type ErrorCode, type Fault, refuse } from '../errors.js';

/** What fork and open answer when the machine, or a limit of this user, has no more to give. */
const EXHAUSTED = ['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM'];
const FULL = ['ENOSPC', 'EDQUOT'];
const CLOSED = ['EROFS', 'EACCES', 'EPERM', 'EIO'];

/** True for the code of a system error that means: later there may be enough again. */
const isExhausted = (code: unknown): boolean => EXHAUSTED.includes(String(code));

const SHORTAGES: readonly string[] = ['machine_exhausted', 'disk_full'] satisfies ErrorCode[];

/** True for the code of a failure that passes when the machine has room again. */
export const isShortage = (code: string): boolean => SHORTAGES.includes(code);

/**
 * What a stage that broke tells as its cause when the machine is to blame, not the program: nothing left of
 * something, or a state directory that cannot be written. Null for anything else, which is a bug.
 */
export function machineFault(error: unknown): Fault | null {
  const code = String((error as NodeJS.ErrnoException).code);
  if (isExhausted(code)) return refuse('machine_exhausted').fault;
  if (FULL.includes(code)) return refuse('disk_full').fault;
  if (!CLOSED.includes(code)) return null;
  return refuse('disk_full', { message: `The state directory cannot be written (${code}).` }).fault;
}

/** Less than this, and what a program could not write was for want of room. */
const NO_ROOM_BYTES = 1024 * 1024;

/**
 * The failure of git as it is told: where the disk of `directory` has no room, that is the cause. Git does not
 * always say it: of a file that it could not write, it tells the name alone.
 */
export async function gitFault(fault: Fault, directory: string): Promise<Fault> {
  const disk = await statfs(directory).catch(() => null);
  if (disk === null) return fault;
  const full = disk.bavail * disk.bsize < NO_ROOM_BYTES || (disk.files > 0 && disk.ffree === 0);
  return full ? refuse('disk_full').fault : fault;
}

/** Bytes that may be written to the disk of a directory; 0 where that is not told. */
export async function freeBytes(directory: string): Promise<number> {
  const disk = await statfs(directory).catch(() => null);
  return disk === null ? 0 : disk.bavail * disk.bsize;
}
