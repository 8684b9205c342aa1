import type { Readable } from 'node:stream';

/** A line, without its newline; or what is left of one that was longer than allowed: its two ends. */
export type Line = { bytes: Buffer } | { oversized: { head: Buffer; tail: Buffer } };

/** Longest line that the link carries, in bytes; the MCP SDK's own clients read no longer one. */
export const MAXIMUM_LINE_BYTES = 10 * 1024 * 1024;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const KEPT_END_BYTES = 4096;

export interface LineSplitter {
  /** Lines that this chunk completes. Blank lines are left out, a carriage return before the newline too. */
  push(chunk: Buffer): Line[];
  /** At the end of the stream: the last line, if it came without a newline. */
  end(): Line[];
}

/**
 * Splits a stream of bytes into lines. It cuts bytes, not text, so a character that spans two chunks stays
 * whole. Never holds more than `maximumBytes` and one chunk.
 */
export function lineSplitter(maximumBytes = MAXIMUM_LINE_BYTES): LineSplitter {
  let parts: Buffer[] = [];
  let length = 0;
  let oversized: { head: Buffer; tail: Buffer } | null = null;

  function take(part: Buffer): void {
    if (oversized !== null) {
      oversized.tail = lastBytes(oversized.tail, part);
      return;
    }
    parts.push(part);
    length += part.length;
    if (length <= maximumBytes) return;
    const whole = Buffer.concat(parts);
    oversized = {
      head: Buffer.from(whole.subarray(0, KEPT_END_BYTES)),
      tail: lastBytes(Buffer.alloc(0), whole),
    };
    parts = [];
  }

  function finish(): Line[] {
    const line: Line = oversized === null ? { bytes: withoutReturn(joined(parts)) } : { oversized };
    parts = [];
    length = 0;
    oversized = null;
    return 'bytes' in line && line.bytes.length === 0 ? [] : [line];
  }

  return {
    push(chunk) {
      const lines: Line[] = [];
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        take(chunk.subarray(start, end));
        lines.push(...finish());
        start = end + 1;
      }
      if (start < chunk.length) take(chunk.subarray(start));
      return lines;
    },
    end: finish,
  };
}

const joined = (parts: Buffer[]) => (parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts));

const withoutReturn = (bytes: Buffer) => (bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes);

/** A copy, so that a large chunk is not held for the sake of its end. */
function lastBytes(before: Buffer, part: Buffer): Buffer {
  return Buffer.from(Buffer.concat([before, part.subarray(-KEPT_END_BYTES)]).subarray(-KEPT_END_BYTES));
}

/**
 * Hands on each line of a stream as text; one that is longer is passed over. Not by Node's `readline`: from Node 24 on
 * that cuts at U+2028 and U+2029 too, which a text in JSON may hold.
 */
export function takeLines(
  stream: Readable,
  take: (line: string) => void,
  maximumBytes = MAXIMUM_LINE_BYTES,
): void {
  const splitter = lineSplitter(maximumBytes);
  const handOn = (lines: readonly Line[]) => {
    for (const line of lines) if ('bytes' in line) take(line.bytes.toString('utf8'));
  };
  stream.on('data', (chunk: Buffer) => handOn(splitter.push(chunk)));
  stream.once('end', () => handOn(splitter.end()));
}
