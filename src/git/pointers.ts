import { type GitContext, type GitFailure, runGit } from './git.js';
import type { TreeEntry } from './tree-listing.js';

/** What stands in a repository for a file that git-lfs keeps. */
export interface Pointer {
  /** SHA-256 of the content, in hexadecimal. */
  oid: string;
  /** Size of the content. */
  bytes: number;
}

export const MAX_POINTER_BYTES = 1_024;
/** The shortest that a pointer can be: its three lines. */
const MIN_POINTER_BYTES = 110;
/** More small files than this are not looked through. */
const MAX_CANDIDATES = 20_000;

/** Reads a pointer: git-lfs, docs/spec.md. Null if the text is none. */
export function parsePointer(text: string): Pointer | null {
  if (!text.startsWith('version https://git-lfs.github.com/spec/v1\n')) return null;
  const oid = /^oid sha256:([0-9a-f]{64})$/m.exec(text)?.[1];
  const bytes = /^size (\d{1,15})$/m.exec(text)?.[1];
  return oid === undefined || bytes === undefined ? null : { oid, bytes: Number(bytes) };
}

/** The pointers in a tree that has attributes at all; in a very large one, those among its first small files. */
export async function findPointers(
  context: GitContext,
  entries: readonly TreeEntry[],
): Promise<{ ok: true; pointers: Pointer[] } | GitFailure> {
  if (!entries.some(({ path }) => /(^|\/)\.gitattributes$/.test(path))) return { ok: true, pointers: [] };
  const candidates = entries
    .filter(({ bytes }) => bytes >= MIN_POINTER_BYTES && bytes < MAX_POINTER_BYTES)
    .slice(0, MAX_CANDIDATES);
  const ids = candidates.map(({ id }) => `${id}\n`).join('');
  const read = await runGit(context, ['cat-file', '--batch'], Buffer.from(ids));
  if (!read.ok) return read;
  return { ok: true, pointers: readBatch(read.stdout).flatMap((text) => parsePointer(text) ?? []) };
}

/**
 * The objects that `cat-file --batch` writes, each after a line `id type size`; one that is missing has no more than a
 * line.
 */
function readBatch(output: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < output.length; ) {
    const start = output.indexOf('\n', at) + 1;
    const size = Number(/ blob (\d+)$/.exec(output.toString('latin1', at, start - 1))?.[1] ?? Number.NaN);
    if (!Number.isNaN(size)) texts.push(output.toString('latin1', start, start + size));
    at = Number.isNaN(size) ? start : start + size + 1;
  }
  return texts;
}
