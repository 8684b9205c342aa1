import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { BytePath } from './byte-path.js';
import { readRegularFile } from './regular-file.js';
import type { SlotLayout } from './slot.js';

/**
 * A file for which the baseline has a pointer of git-lfs. In its place lies the content, or what an earlier job left
 * there.
 */
export interface LargeFile {
  path: BytePath;
  /** SHA-256 of the content that the pointer stands for, in hexadecimal. */
  oid: string;
  /** Size of that content. */
  bytes: number;
}

/** A submodule that was checked out, with a git directory of ours. */
export interface CheckedOutSubmodule {
  path: BytePath;
  commit: string;
  /** Name of its directory in the slot's `modules`. */
  directory: string;
}

/** What lies in a checkout beside the files of its baseline, or instead of them. */
export interface Additions {
  /** Ignored files of the caller: never part of a patch, whatever the agent does to the ignore rules. */
  included: BytePath[];
  /** New files of the earlier job's patch: part of the next one too, whatever ignores them by now. */
  continued: BytePath[];
  largeFiles: LargeFile[];
  submodules: CheckedOutSubmodule[];
  /** Files of the baseline that are absent, as in the caller's sparse checkout. */
  sparse: boolean;
}

export const noAdditions: Additions = {
  included: [],
  continued: [],
  largeFiles: [],
  submodules: [],
  sparse: false,
};

const paths = z.array(z.string());

const writtenAdditions = z.object({
  included: paths,
  continued: paths,
  largeFiles: z.array(z.object({ path: z.string(), oid: z.string(), bytes: z.number() })),
  submodules: z.array(
    z.object({ path: z.string(), commit: z.string(), directory: z.string().regex(/^\d+$/) }),
  ),
  sparse: z.boolean(),
}) satisfies z.ZodType<Additions>;

const MAX_ADDITIONS_BYTES = 64 * 1024 * 1024;

/** Writes them down for the capture. A slot that has such a file is no plain checkout, and is used once. */
export function writeAdditions(slot: SlotLayout, additions: Additions): void {
  const { sparse, ...lists } = additions;
  const plain = Object.values(lists).every((list) => list.length === 0) && !sparse;
  if (plain && existsSync(slot.additions)) rmSync(slot.additions);
  if (!plain) writeFileSync(slot.additions, JSON.stringify(additions));
}

/** Null for what is not as we wrote it: an agent without a sandbox can write there. */
export function readAdditions(slot: SlotLayout): Additions | null {
  const content = readRegularFile(slot.additions, MAX_ADDITIONS_BYTES);
  if (content === null) return noAdditions;
  try {
    return writtenAdditions.parse(JSON.parse(content.toString('utf8')));
  } catch {
    return null;
  }
}
