import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import pino from 'pino';
import { createStream, type RotatingFileStream } from 'rotating-file-stream';
import type { Settings } from './config.js';

export type Log = pino.Logger;

/** How long a file that could not be written is left alone. */
const PAUSE_MS = 1_000;
/** Between two looks whether somebody has removed the file. */
const LOOK_MS = 1_000;

/**
 * JSON lines to a file that is rotated at 10 MiB, five kept, and in the foreground to standard error too; never to
 * standard output. A line that cannot be written, also where the directory is missing, is given up rather than the work.
 * `flush` calls back once all lines so far are written or given up.
 */
export function createLog(file: string, level: Settings['logLevel'], foreground: boolean): Log {
  const rotated = rotatedFile(file);
  const standardError = pino.destination({ dest: 2, sync: true });
  const threshold = level === 'silent' ? 'fatal' : level;
  const streams = (foreground ? [rotated, standardError] : [rotated]).map((stream) => ({
    stream,
    level: threshold,
  }));
  return pino(
    { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    Object.assign(pino.multistream(streams), { flush: rotated.flush }),
  );
}

/**
 * A stream is of no use once it had an error, as on a full disk, or its file was removed; so another one is opened,
 * later.
 */
function rotatedFile(file: string): { write(line: string): void; flush(done: () => void): void } {
  let stream: RotatingFileStream | null = null;
  let closedUntil = 0;
  let lookedAt = 0;

  const open = () => {
    const opened = createStream(basename(file), {
      path: dirname(file),
      size: '10M',
      maxFiles: 5,
      mode: 0o600,
    });
    opened.on('warning', () => undefined);
    opened.on('error', () => {
      if (stream !== opened) return;
      stream = null;
      closedUntil = performance.now() + PAUSE_MS;
    });
    return opened;
  };

  /** Nobody would find what goes on being written. Where its directory is gone too, so is all else. */
  const letGoIfRemoved = () => {
    const now = performance.now();
    if (now < lookedAt + LOOK_MS) return;
    lookedAt = now;
    if (stream === null || existsSync(file) || !existsSync(dirname(file))) return;
    stream.end();
    stream = null;
  };

  return {
    write(line) {
      if (performance.now() < closedUntil) return;
      letGoIfRemoved();
      // A stream would make the directory anew, and with it a state directory that was removed.
      if (stream === null && !existsSync(dirname(file))) return;
      stream ??= open();
      stream.write(line);
    },
    flush(done) {
      if (stream === null) done();
      else stream.write('', () => done());
    },
  };
}
