import { fstatSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { READ_WITHOUT_WAITING } from '../open-flags.js';
import { tellsAbsence } from './proc.js';

const CHUNK_BYTES = 256 * 1024;
/** Hundreds of agents are read at once, and most write little. */
const FIRST_CHUNK_BYTES = 16 * 1024;
/** A longer line is passed over: Codex caps the output it quotes at 1 MiB, which escapes to several. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/** Is handed a whole line, the instant it is known from, and the byte of the file that the next line begins at. */
type TakeLine = (line: string, at: number, next: number) => void;

/** Reads the lines of a file that another process is still writing. */
export interface Tail {
  /** Reads what was added since the last call, at most some `bytes` of it. True once there is no more for now. */
  read(take: TakeLine, bytes?: number): Promise<boolean>;
  /** Bytes read so far. */
  position(): number;
  /** Hands on the last line, if the writer ended without a line break. */
  finish(take: TakeLine): void;
  close(): Promise<void>;
}

/**
 * Opens a tail at the first byte of a file, or at another that begins a line. Where there is none, or something else
 * is in its place, there is nothing to read.
 */
export async function openTail(path: string, from = 0): Promise<Tail> {
  const file = await openRegularFile(path);
  let chunk = Buffer.allocUnsafe(FIRST_CHUNK_BYTES);
  let position = from;
  let partial: Buffer[] = [];
  let partialBytes = 0;
  let lastChange = Date.now();

  const flush = (start: number, end: number, take: TakeLine, next: number) => {
    if (partialBytes + end - start <= MAX_LINE_BYTES) {
      const line = textOf(start, end);
      if (line !== '') take(line, lastChange, next);
    }
    partial = [];
    partialBytes = 0;
  };
  /** Of what was kept, and of that part of the chunk. */
  const textOf = (start: number, end: number) =>
    partial.length === 0
      ? chunk.toString('utf8', start, end)
      : Buffer.concat([...partial, chunk.subarray(start, end)]).toString('utf8');
  const keep = (rest: Buffer) => {
    partialBytes += rest.length;
    // Beyond the limit only the length matters: the line will be passed over.
    if (partialBytes <= MAX_LINE_BYTES) partial.push(Buffer.from(rest));
    else partial = [];
  };

  return {
    async read(take, bytes = Number.POSITIVE_INFINITY) {
      if (file === null) return true;
      for (const limit = position + bytes; position < limit; ) {
        const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
        if (bytesRead === 0) return true;
        // After a restart the file is read again from its start: its own time is nearer than now.
        lastChange = Math.round(fstatSync(file.fd).mtimeMs);
        const first = position;
        position += bytesRead;
        let start = 0;
        for (
          let end = chunk.indexOf(NEWLINE);
          end !== -1 && end < bytesRead;
          end = chunk.indexOf(NEWLINE, start)
        ) {
          flush(start, end, take, first + end + 1);
          start = end + 1;
        }
        if (start < bytesRead) keep(chunk.subarray(start, bytesRead));
        if (bytesRead === chunk.length && bytesRead < CHUNK_BYTES) chunk = Buffer.allocUnsafe(4 * bytesRead);
      }
      return false;
    },
    position: () => position,
    finish: (take) => flush(0, 0, take, position),
    close: async () => file?.close(),
  };
}

/** Like `openIfThere`, for a thread that waits for no disk. */
export async function openRegularFile(path: string): Promise<FileHandle | null> {
  const file = await open(path, READ_WITHOUT_WAITING).catch((problem) => {
    if (tellsAbsence(problem)) return null;
    throw problem;
  });
  if (file === null || (await file.stat()).isFile()) return file;
  await file.close();
  return null;
}
