import { mkdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import pino from 'pino';
import { createStream } from 'rotating-file-stream';
import type { Settings } from './config.js';

export type Log = pino.Logger;

/**
 * JSON lines to a file that is rotated at 10 MiB, five kept, and in the foreground to standard error too; never
 * to standard output. A log that cannot be written is given up rather than the work.
 */
export function createLog(file: string, level: Settings['logLevel'], foreground: boolean): Log {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const rotated = createStream(basename(file), {
    path: dirname(file),
    size: '10M',
    maxFiles: 5,
    mode: 0o600,
  });
  rotated.on('error', () => undefined).on('warning', () => undefined);
  const standardError = pino.destination({ dest: 2, sync: true });
  const threshold = level === 'silent' ? 'fatal' : level;
  const streams = (foreground ? [rotated, standardError] : [rotated]).map((stream) => ({
    stream,
    level: threshold,
  }));
  return pino(
    { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.multistream(streams),
  );
}
