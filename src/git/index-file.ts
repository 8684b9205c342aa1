import { createHash } from 'node:crypto';
import type { BytePath } from './byte-path.js';
import type { TreeFile } from './trees.js';

/** An entry that is no plain file, or that git does not compare with its file like others. */
export interface OddEntry {
  path: BytePath;
  /** The commit of a submodule; null for anything else. */
  commit: string | null;
  /** One side of a conflict. */
  unmerged: boolean;
  /** Marked as assume-unchanged: git does not look at its file. */
  assumed: boolean;
  /** Marked as skip-worktree: its file may be absent, as in a sparse checkout. */
  skipped: boolean;
}

const SIGNATURE = 'DIRC';
export const HEADER_BYTES = 12;
/** Times, device, inode, mode, user, group and size: four bytes each, some twice. */
export const STAT_BYTES = 40;
export const MODE_AT = 24;
const SIZE_AT = 36;
const FLAGS = { assumeUnchanged: 0x8000, extended: 0x4000, stage: 0x3000, nameLength: 0x0fff };
const SKIPPED = 0x4000;
const FILE = 8;
const LINK = 10;
const SUBMODULE = 14;

/**
 * Reads an index file, versions 2 and 3 of gitformat-index(5). Null for anything else: another version, a
 * split or a sparse index, a damaged file. `idBytes` is 20 for SHA-1, 32 for SHA-256.
 */
export function readIndex(index: Buffer, idBytes: number): IndexContent | null {
  if (index.length < HEADER_BYTES + idBytes || index.toString('latin1', 0, 4) !== SIGNATURE) return null;
  const version = index.readUInt32BE(4);
  if (version !== 2 && version !== 3) return null;
  const end = index.length - idBytes;
  const count = index.readUInt32BE(8);
  if (count > (end - HEADER_BYTES) / (STAT_BYTES + idBytes)) return null;
  const starts = new Uint32Array(count + 1);
  const odd: number[] = [];
  let at = HEADER_BYTES;
  for (let number = 0; number < count; number += 1) {
    starts[number] = at;
    const flagsAt = at + STAT_BYTES + idBytes;
    if (flagsAt + 2 > end) return null;
    const flags = index.readUInt16BE(flagsAt);
    const pathAt = flagsAt + ((flags & FLAGS.extended) !== 0 ? 4 : 2);
    const length = flags & FLAGS.nameLength;
    const pathEnd = length < FLAGS.nameLength ? pathAt + length : index.indexOf(0, pathAt);
    if (pathEnd < pathAt || pathEnd >= end || index[pathEnd] !== 0) return null;
    const kind = index.readUInt32BE(at + MODE_AT) >>> 12;
    if (kind !== FILE && kind !== LINK && kind !== SUBMODULE) return null;
    if (kind === SUBMODULE || (flags & ~FLAGS.nameLength) !== 0) odd.push(number);
    // Entries end with one to eight zero bytes, at a multiple of eight from their start.
    at += (pathEnd - at + 8) & ~7;
  }
  starts[count] = at;
  const extensions = readExtensions(index, at, end);
  const tree = cachedTree(extensions?.get('TREE'), idBytes);
  return extensions === null ? null : new IndexContent(index, idBytes, starts, odd, tree);
}

/** Whether an index file of any version ends as it was written: with its checksum, or with zeros where that was left out. */
export function endsWithChecksum(index: Buffer, idBytes: number): boolean {
  if (index.length < HEADER_BYTES + idBytes) return false;
  const [content, checksum] = [index.subarray(0, -idBytes), index.subarray(-idBytes)];
  const hash = createHash(idBytes === 20 ? 'sha1' : 'sha256')
    .update(content)
    .digest();
  return hash.equals(checksum) || checksum.every((byte) => byte === 0);
}

/** What an index holds. It is made of the file's bytes when it is asked for: of many entries, most want a few. */
export class IndexContent {
  constructor(
    private readonly index: Buffer,
    /** 20 for SHA-1, 32 for SHA-256. */
    readonly idBytes: number,
    /** Where each entry begins, and where the last one ends. */
    private readonly starts: Uint32Array,
    private readonly oddNumbers: readonly number[],
    /** Id of the tree that the entries are, where git noted it and none has changed since; else null. */
    readonly tree: string | null,
  ) {}

  get length(): number {
    return this.starts.length - 1;
  }

  /** The bytes before the entries. */
  header(): Buffer {
    return this.index.subarray(0, HEADER_BYTES);
  }

  /** The bytes of the entry at a path; null where there is none. */
  entry(path: BytePath): Buffer | null {
    const number = this.firstFrom(path);
    const found = this.pathOf(number) === path;
    return found ? this.index.subarray(this.starts[number], this.starts[number + 1]) : null;
  }

  /** What a tree tells of the file at a path; null where there is none. */
  file(path: BytePath): TreeFile | null {
    const entry = this.entry(path);
    if (entry === null) return null;
    const id = entry.toString('hex', STAT_BYTES, STAT_BYTES + this.idBytes);
    return { mode: entry.readUInt32BE(MODE_AT).toString(8), id };
  }

  /** In the order of their bytes. */
  paths(): BytePath[] {
    // Decoded once: parts of a text are cheaper than parts of a buffer made into texts.
    const text = this.index.toString('latin1');
    return Array.from({ length: this.length }, (_, number) => {
      const at = this.pathAt(number);
      return text.slice(at, this.pathEnd(number, at));
    });
  }

  odd(): OddEntry[] {
    return this.oddNumbers.map((number) => this.oddEntry(number));
  }

  /** The paths whose last part is that name. */
  named(name: string): BytePath[] {
    const found: BytePath[] = [];
    const sought = Buffer.from(`${name}\0`, 'latin1');
    const end = this.starts[this.length] ?? 0;
    let number = 0;
    for (let at = this.index.indexOf(sought); at >= 0 && at < end; at = this.index.indexOf(sought, at + 1)) {
      while ((this.starts[number + 1] ?? end) <= at) number += 1;
      const path = this.pathOf(number);
      if (path === name || path.endsWith(`/${name}`)) found.push(path);
    }
    return found;
  }

  has(path: BytePath): boolean {
    return this.entry(path) !== null;
  }

  hasStartingWith(beginning: string): boolean {
    return this.pathOf(this.firstFrom(beginning)).startsWith(beginning);
  }

  startingWith(beginning: string): BytePath[] {
    const paths: BytePath[] = [];
    for (let number = this.firstFrom(beginning); number < this.length; number += 1) {
      const path = this.pathOf(number);
      if (!path.startsWith(beginning)) break;
      paths.push(path);
    }
    return paths;
  }

  /** Those whose file was changed last, in its content or in anything about it, in that second or later. */
  changedSince(second: number): BytePath[] {
    const paths: BytePath[] = [];
    for (let number = 0; number < this.length; number += 1) {
      if (this.index.readUInt32BE(this.starts[number]) >= second) paths.push(this.pathOf(number));
    }
    return paths;
  }

  /** Sizes of the files when they were recorded; 0 where git did not trust the time. */
  sizes(): number[] {
    return Array.from({ length: this.length }, (_, number) =>
      this.index.readUInt32BE((this.starts[number] ?? 0) + SIZE_AT),
    );
  }

  private flagsAt(number: number): number {
    return (this.starts[number] ?? 0) + STAT_BYTES + this.idBytes;
  }

  private pathAt(number: number): number {
    const flagsAt = this.flagsAt(number);
    return flagsAt + ((this.index.readUInt16BE(flagsAt) & FLAGS.extended) !== 0 ? 4 : 2);
  }

  private pathEnd(number: number, pathAt: number): number {
    const length = this.index.readUInt16BE(this.flagsAt(number)) & FLAGS.nameLength;
    return length < FLAGS.nameLength ? pathAt + length : this.index.indexOf(0, pathAt);
  }

  /** The number of the first entry whose path is not before that one: they are in the order of their bytes. */
  private firstFrom(path: BytePath): number {
    let [first, after] = [0, this.length];
    while (first < after) {
      const middle = (first + after) >>> 1;
      if (this.pathOf(middle) < path) first = middle + 1;
      else after = middle;
    }
    return first;
  }

  /** Empty past the last one. */
  private pathOf(number: number): BytePath {
    if (number >= this.length) return '';
    const at = this.pathAt(number);
    return this.index.toString('latin1', at, this.pathEnd(number, at));
  }

  private oddEntry(number: number): OddEntry {
    const start = this.starts[number] ?? 0;
    const flagsAt = this.flagsAt(number);
    const flags = this.index.readUInt16BE(flagsAt);
    const extended = (flags & FLAGS.extended) !== 0;
    const isSubmodule = this.index.readUInt32BE(start + MODE_AT) >>> 12 === SUBMODULE;
    return {
      path: this.pathOf(number),
      commit: isSubmodule ? this.index.toString('hex', start + STAT_BYTES, flagsAt) : null,
      unmerged: (flags & FLAGS.stage) !== 0,
      assumed: (flags & FLAGS.assumeUnchanged) !== 0,
      skipped: extended && (this.index.readUInt16BE(flagsAt + 2) & SKIPPED) !== 0,
    };
  }
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
