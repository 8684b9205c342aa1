import { lstatSync, type Stats } from 'node:fs';
import { absolutePath, type BytePath } from './byte-path.js';
import { writePrivate } from './durable-file.js';
import { readRegularFile } from './regular-file.js';
import type { SlotLayout } from './slot.js';

/**
 * What tells a directory from itself at another time: no name in it, and nothing of its own, can be changed
 * without a new change time, and no other directory in its place has its inode.
 */
export interface Stamp {
  inode: number;
  /** In milliseconds since the epoch, with their fraction. */
  changed: number;
}

export type Stamps = ReadonlyMap<BytePath, Stamp>;

const stampOf = ({ ino, ctimeMs }: Stats): Stamp => ({ inode: ino, changed: ctimeMs });

export const isStamped = ({ ino, ctimeMs }: Stats, { inode, changed }: Stamp): boolean =>
  ino === inode && ctimeMs === changed;

const MAX_STAMPS_BYTES = 256 * 1024 * 1024;

/** Writes down how the directories of a checkout lie. Those in `known` are as they are there. */
export function writeStamps(slot: SlotLayout, directories: Iterable<BytePath>, known: Stamps): void {
  const records = Array.from(directories, (path) => {
    const { inode, changed } = known.get(path) ?? stampOf(lstatSync(absolutePath(slot.checkout, path)));
    return [path, inode, changed];
  });
  writePrivate(slot.stamps, JSON.stringify(records));
}

/** The stamps of a checkout; none for one that was never scrubbed, or where an agent without a sandbox wrote over them. */
export function readStamps(slot: SlotLayout): Stamps {
  const content = readRegularFile(slot.stamps, MAX_STAMPS_BYTES);
  if (content === null) return new Map();
  try {
    const records = JSON.parse(content.toString('utf8')) as [BytePath, number, number][];
    return new Map(records.map(([path, inode, changed]) => [path, { inode, changed }]));
  } catch {
    return new Map();
  }
}
