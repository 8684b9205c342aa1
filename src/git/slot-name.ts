import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { namesIn } from './names-in.js';
import type { SlotSize } from './slot-size.js';

/** A finished slot that is kept for the next jobs. Its name tells all of this, so a rename puts it in or out. */
export interface KeptSlot extends SlotSize {
  path: string;
  /** Commit whose files lie in it. */
  commit: string;
  /** Instant of its release, in milliseconds since the epoch. */
  releasedAt: number;
}

/** The form of a kept slot: a later form of slots gets another number, and older ones are thrown away. */
const FORM = 'v1';

export const nameOf = ({ commit, releasedAt, bytes, inodes }: Omit<KeptSlot, 'path'>): string =>
  [FORM, releasedAt, commit, bytes, inodes, randomUUID()].join('_');

function readName(directory: string, name: string): KeptSlot | null {
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

/** What is kept in a directory, released last first, and what is there and no kept slot of this form. */
export function listKept(directory: string): { kept: KeptSlot[]; strange: string[] } {
  const kept: KeptSlot[] = [];
  const strange: string[] = [];
  for (const name of namesIn(directory)) {
    const slot = readName(directory, name);
    if (slot === null) strange.push(join(directory, name));
    else kept.push(slot);
  }
  return { kept: kept.toSorted((one, other) => other.releasedAt - one.releasedAt), strange };
}
