import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { PatchReport } from '../../machines/job.js';
import { type Outcome, refuse, succeed } from '../errors.js';

/** Bytes of the patch in one page, and of their text once it stands in JSON, at most. */
const PAGE_BYTES = 48 * 1024;
const ENCODED_BYTES = 64 * 1024;

export interface PatchPage {
  text: string;
  encoding: 'utf-8' | 'base64';
  /** Offset of the next page; null if this is the last. */
  next: number | null;
}

/**
 * One page of the kept patch, from `offset` on and not beyond `end`. The whole file is held against the report's size
 * on each page, and against its hash on the first and the last: `result_unreadable` if it is not the patch that was
 * kept.
 */
export async function readPatchPage(
  path: string,
  report: Pick<PatchReport, 'bytes' | 'sha256'>,
  offset: number,
  end: number = report.bytes,
): Promise<Outcome<PatchPage>> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch {
    return refuse('result_unreadable', { message: 'The kept patch cannot be opened.' });
  }
  try {
    if ((await file.stat()).size !== report.bytes) return refuse('result_unreadable');
    const rest = end - offset;
    const window = await readExactly(file, offset, Math.min(rest, PAGE_BYTES));
    const { length, ...page } = cutPage(window, rest <= PAGE_BYTES);
    const next = offset + length < end ? offset + length : null;
    const atEnd = offset === 0 || end < report.bytes || next === null;
    if (atEnd && (await hashOf(file)) !== report.sha256) return refuse('result_unreadable');
    return succeed({ ...page, next });
  } finally {
    await file.close();
  }
}

async function readExactly(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

async function hashOf(file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of file.createReadStream({ start: 0, autoClose: false })) hash.update(chunk);
  return hash.digest('hex');
}

/** The longest page that starts with `window` and fits into an answer; `last` if nothing follows the window. */
function cutPage(window: Buffer, last: boolean): Omit<PatchPage, 'next'> & { length: number } {
  let bytes = last ? window : window.subarray(0, borderBefore(window));
  let page = encodePage(bytes);
  // Control characters take six bytes each in JSON, so a page of them has to be shorter.
  while (Buffer.byteLength(JSON.stringify(page.text)) > ENCODED_BYTES) {
    const half = bytes.subarray(0, bytes.length >> 1);
    bytes = half.subarray(0, borderBefore(half));
    page = encodePage(bytes);
  }
  return { ...page, length: bytes.length };
}

const encodePage = (bytes: Buffer): Omit<PatchPage, 'next'> =>
  isUtf8(bytes)
    ? { text: bytes.toString('utf8'), encoding: 'utf-8' }
    : { text: bytes.toString('base64'), encoding: 'base64' };

const LINE_FEED = 0x0a;

/** Where a file or a hunk begins: no line inside of one looks like this. */
const fileBorder = Buffer.from('\ndiff --git ');
const hunkBorder = Buffer.from('\n@@ ');

/**
 * Where to cut: before a file or a hunk that begins in the second half of the window, so that a page shows
 * whole ones; else after the last line break, else before a character that the window holds only in part.
 */
function borderBefore(window: Buffer): number {
  for (const border of [fileBorder, hunkBorder]) {
    const at = window.lastIndexOf(border) + 1;
    if (at > window.length / 2) return at;
  }
  const lineEnd = window.lastIndexOf(LINE_FEED) + 1;
  return lineEnd > 0 ? lineEnd : window.length - partialCharacter(window);
}

/** Bytes at the end of the window that begin a UTF-8 sequence longer than what is left of the window. */
function partialCharacter(window: Buffer): number {
  for (let back = 1; back <= Math.min(3, window.length - 1); back += 1) {
    const byte = window[window.length - back] ?? 0;
    if (byte >= 0xc0) return sequenceLength(byte) > back ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

const sequenceLength = (lead: number) => (lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2);
