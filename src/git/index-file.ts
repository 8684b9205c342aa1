import type { BytePath } from './byte-path.js';
/** One entry of an index. */
export interface IndexEntry {
  path: BytePath;
  kind: 'file' | 'link' | 'submodule';
  /** The commit of a submodule; null for anything else. */
  commit: string | null;
  /** Whole second of the file's last change, of its content or of anything about it, when it was recorded. */
  changedSecond: number;
  /** Size of the file when it was recorded; 0 where git did not trust the time. */
  bytes: number;
  /** One side of a conflict. */
  unmerged: boolean;
  /** Marked as assume-unchanged: git does not look at its file. */
  assumed: boolean;
  /** Marked as skip-worktree: its file may be absent, as in a sparse checkout. */
  skipped: boolean;
  /** Marked as any of these, or as intent-to-add: git does not compare it like others. */
  special: boolean;
}

const SIGNATURE = 'DIRC';
const HEADER_BYTES = 12;
/** Times, device, inode, mode, user, group and size: four bytes each, some twice. */
const STAT_BYTES = 40;
const MODE_AT = 24;
const SIZE_AT = 36;
const FLAGS = { assumeUnchanged: 0x8000, extended: 0x4000, stage: 0x3000 };
const SKIPPED = 0x4000;

const kinds: Record<number, IndexEntry['kind'] | undefined> = {
  8: 'file',
  10: 'link',
  14: 'submodule',
};

export interface IndexContent {
  entries: IndexEntry[];
  /** Id of the tree that the entries are, where git noted it and none has changed since; else null. */
  tree: string | null;
}

/**
 * Reads an index file, versions 2 and 3 of gitformat-index(5). Null for anything else: another version, a
 * split or a sparse index, a damaged file. `idBytes` is 20 for SHA-1, 32 for SHA-256.
 */
export function readIndex(index: Buffer, idBytes: number): IndexContent | null {
  if (index.length < HEADER_BYTES + idBytes || index.toString('latin1', 0, 4) !== SIGNATURE) return null;
  const version = index.readUInt32BE(4);
  if (version !== 2 && version !== 3) return null;
  const end = index.length - idBytes;
  // Decoded once: parts of a text are cheaper than parts of a buffer made into texts.
  const text = index.toString('latin1');
  const entries: IndexEntry[] = [];
  let at = HEADER_BYTES;
  for (let left = index.readUInt32BE(8); left > 0; left -= 1) {
    const flagsAt = at + STAT_BYTES + idBytes;
    if (flagsAt + 2 > end) return null;
    const flags = index.readUInt16BE(flagsAt);
    const extended = (flags & FLAGS.extended) !== 0;
    const pathAt = flagsAt + (extended ? 4 : 2);
    const pathEnd = text.indexOf('\0', pathAt);
    const kind = kinds[index.readUInt32BE(at + MODE_AT) >>> 12];
    if (pathEnd < 0 || pathEnd >= end || kind === undefined) return null;
    entries.push({
      path: text.slice(pathAt, pathEnd),
      kind,
      commit: kind === 'submodule' ? index.toString('hex', at + STAT_BYTES, flagsAt) : null,
      changedSecond: index.readUInt32BE(at),
      bytes: index.readUInt32BE(at + SIZE_AT),
      unmerged: (flags & FLAGS.stage) !== 0,
      assumed: (flags & FLAGS.assumeUnchanged) !== 0,
      skipped: extended && (index.readUInt16BE(flagsAt + 2) & SKIPPED) !== 0,
      special: extended || (flags & (FLAGS.assumeUnchanged | FLAGS.stage)) !== 0,
    });
    // Entries end with one to eight zero bytes, at a multiple of eight from their start.
    at += (pathEnd - at + 8) & ~7;
  }
  const extensions = readExtensions(index, at, end);
  return extensions === null ? null : { entries, tree: cachedTree(extensions.get('TREE'), idBytes) };
}

/** An extension whose name begins with a capital may be ignored; any other changes what the entries mean. */
function readExtensions(index: Buffer, start: number, end: number): Map<string, Buffer> | null {
  const extensions = new Map<string, Buffer>();
  let at = start;
  while (at + 8 <= end) {
    const name = index.toString('latin1', at, at + 4);
    if (!/^[A-Z]/.test(name)) return null;
    const next = at + 8 + index.readUInt32BE(at + 4);
    extensions.set(name, index.subarray(at + 8, next));
    at = next;
  }
  return at === end ? extensions : null;
}

/** The first record is of the whole tree: an empty name, a zero byte, `entries subtrees`, a line break, the id. */
function cachedTree(extension: Buffer | undefined, idBytes: number): string | null {
  const record = /^\0\d+ \d+\n/.exec(extension?.toString('latin1', 0, 32) ?? '')?.[0];
  return record === undefined
    ? null
    : (extension?.toString('hex', record.length, record.length + idBytes) ?? null);
}
