import { FileList } from './comparison.js';
import { findDependents } from './dependents.js';
import { NewFile } from './durable-file.js';
import { type GitContext, type GitFailure, streamGit } from './git.js';
import { findLargest, type LeftFile } from './left-files.js';
import type { PatchFile } from './patch-files.js';
import { PatchParts, placeFiles, type Range } from './patch-parts.js';

export interface FittingPatch {
  ok: true;
  files: PatchFile[];
  left: LeftFile[];
  bytes: number;
  sha256: string;
}

/**
 * Writes what fits of a patch that is larger than `maxBytes`: the largest files are left out, and those that cannot be
 * applied without them. `compare` has git list the files and then write their patch. It does so twice, first for the
 * sizes alone: of the same trees it says the same.
 */
export async function writeFitting(
  context: GitContext,
  compare: readonly string[],
  path: string,
  maxBytes: number,
): Promise<FittingPatch | GitFailure> {
  const measured = await measureFiles(context, compare);
  if (!measured.ok) return measured;
  const { sizes } = measured;
  const files = sizes.map(({ file }) => file);
  const largest = new Set([...findLargest(sizes, maxBytes)].map(({ file }) => file));
  const left = new Set([...largest, ...findDependents(files, largest)]);
  const kept = sizes.filter(({ file }) => !left.has(file));
  const written = await writeRanges(
    context,
    compare,
    kept.map(({ range }) => range),
    path,
  );
  if (!written.ok) return written;
  return {
    ...written,
    files: kept.map(({ file }) => file),
    left: sizes.filter(({ file }) => left.has(file)).map(({ file, bytes }) => ({ path: file.path, bytes })),
  };
}

interface FileSize {
  file: PatchFile;
  range: Range;
  bytes: number;
}

async function measureFiles(
  context: GitContext,
  compare: readonly string[],
): Promise<{ ok: true; sizes: FileSize[] } | GitFailure> {
  const list = new FileList();
  const lengths: number[] = [];
  const parts = new PatchParts(0, (_, bytes) => lengths.push(bytes));
  const compared = await streamGit(context, compare, (chunk) => {
    parts.take(list.take(chunk));
    return true;
  });
  if (!compared.ok) return compared;
  parts.end();
  const ranges = placeFiles(list.files, lengths);
  const sizes = list.files.map((file, at) => {
    const range = ranges[at] ?? { offset: 0, length: 0 };
    return { file, range, bytes: range.length };
  });
  return { ok: true, sizes };
}

/** Writes what lies in these ranges of the patch, which are in their order. */
async function writeRanges(
  context: GitContext,
  compare: readonly string[],
  ranges: readonly Range[],
  path: string,
): Promise<{ ok: true; bytes: number; sha256: string } | GitFailure> {
  const list = new FileList();
  const file = new NewFile(path);
  const cut = cutter(ranges);
  try {
    const compared = await streamGit(context, compare, (chunk) => {
      file.write(cut(list.take(chunk)));
      return true;
    });
    if (compared.ok) return { ok: true, bytes: file.bytes, sha256: file.place() };
    file.discard();
    return compared;
  } catch (error) {
    file.discard();
    throw error;
  }
}

/** Gives what lies in the ranges of each chunk of a stream. */
function cutter(ranges: readonly Range[]): (chunk: Buffer) => Buffer {
  let [next, start] = [0, 0];
  return (chunk) => {
    const end = start + chunk.length;
    const pieces: Buffer[] = [];
    for (let range = ranges[next]; range !== undefined && range.offset < end; range = ranges[next]) {
      const rangeEnd = range.offset + range.length;
      pieces.push(chunk.subarray(Math.max(range.offset - start, 0), rangeEnd - start));
      if (rangeEnd > end) break;
      next += 1;
    }
    start = end;
    return Buffer.concat(pieces);
  };
}
