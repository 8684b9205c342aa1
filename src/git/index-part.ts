import { createHash } from 'node:crypto';
import type { BytePath } from './byte-path.js';
import { HEADER_BYTES, type IndexContent, MODE_AT, STAT_BYTES } from './index-file.js';

const MODE_BYTES = 4;

/**
 * An index file, as gitformat-index(5) has it, with no entries but those at some paths; paths without one are passed
 * over. git reads, checks and writes an index whole, so work on a few files of a large repository is cheaper on such
 * a part. Its entries tell nothing of their files: git takes each file for a changed one, and reads it.
 */
export function partOfIndex(index: IndexContent, paths: Iterable<BytePath>): Buffer {
  const entries = [...new Set(paths)].sort().flatMap((path) => index.entry(path) ?? []);
  const header = Buffer.from(index.header());
  header.writeUInt32BE(entries.length, HEADER_BYTES - 4);
  const content = Buffer.concat([header, ...entries.map(withoutTimes)]);
  const hash = createHash(index.idBytes === 20 ? 'sha1' : 'sha256').update(content);
  return Buffer.concat([content, hash.digest()]);
}

function withoutTimes(entry: Buffer): Buffer {
  const copy = Buffer.from(entry);
  return copy.fill(0, 0, MODE_AT).fill(0, MODE_AT + MODE_BYTES, STAT_BYTES);
}
