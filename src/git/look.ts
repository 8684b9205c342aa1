import { realpathSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { READ_WITHOUT_WAITING } from '../open-flags.js';
import { readRegularFile } from './regular-file.js';

/** How a thread looks at files of the caller's. Each answers null where nothing is, or where it may not look. */
export interface Look {
  /** Links are followed. */
  at(path: string): Promise<Stats | null> | Stats | null;
  realPath(path: string): Promise<string | null> | string | null;
  /** The content of a regular file of at most so many bytes. */
  read(path: string, maxBytes: number): Promise<Buffer | null> | Buffer | null;
}

/** For a thread that waits for no disk. */
export const patientLook: Look = {
  at: (path) => stat(path).catch(() => null),
  realPath: (path) => realpath(path).catch(() => null),
  read: (path, maxBytes) => readPatiently(path, maxBytes).catch(() => null),
};

async function readPatiently(path: string, maxBytes: number): Promise<Buffer | null> {
  const file = await open(path, READ_WITHOUT_WAITING);
  try {
    const found = await file.stat();
    return found.isFile() && found.size <= maxBytes ? await readAll(file, found.size) : null;
  } finally {
    // What was read need not wait for it.
    file.close().catch(() => {});
  }
}

/** As much as there was when its size was taken: to look for more, as `readFile` does, takes two steps more. */
async function readAll(file: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(bytes, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

/** For a thread that may: a tenth of the work. */
export const promptLook = {
  at: (path: string): Stats | null => orNull(() => statSync(path, { throwIfNoEntry: false })),
  realPath: (path: string): string | null => orNull(() => realpathSync.native(path)),
  read: readRegularFile,
} satisfies Look;

function orNull<Answer>(look: () => Answer | undefined): Answer | null {
  try {
    return look() ?? null;
  } catch {
    return null;
  }
}
