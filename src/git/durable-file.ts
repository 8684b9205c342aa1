import { createHash } from 'node:crypto';
import { closeSync, fsync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { READ_WITHOUT_WAITING, WRITE_WITHOUT_WAITING } from '../open-flags.js';
import { removeFile } from './remove-file.js';

/**
 * Writes a file that is there whole or not at all: beside its place first, then by a rename. Hashes what
 * passes. Whether it is on the disk is another matter: `flush`. Synchronous: what is written goes to memory, and to
 * wait for each piece of it costs more.
 */
export class NewFile {
  private readonly hash = createHash('sha256');
  private readonly temporary: string;
  private file: number | null;
  /** Bytes written so far. */
  bytes = 0;

  constructor(private readonly path: string) {
    this.temporary = `${path}.tmp`;
    this.file = openSync(this.temporary, WRITE_WITHOUT_WAITING, 0o600);
  }

  write(chunk: Uint8Array): void {
    if (this.file === null) throw new Error('The file was closed.');
    this.hash.update(chunk);
    this.bytes += chunk.length;
    writeFileSync(this.file, chunk);
  }

  /** Puts the file into its place, and gives the SHA-256 of its bytes in hexadecimal. */
  place(): string {
    this.close();
    renameSync(this.temporary, this.path);
    return this.hash.digest('hex');
  }

  discard(): void {
    this.close();
    removeFile(this.temporary);
  }

  private close(): void {
    if (this.file !== null) closeSync(this.file);
    this.file = null;
  }
}

/**
 * Writes the last file of several in one directory, which tells that the others are whole: it is in its place
 * only when all of them are on the disk. That takes one wait, not one for each.
 */
export async function writeLast(path: string, content: string, before: readonly string[]): Promise<void> {
  const temporary = `${path}.tmp`;
  writePrivate(temporary, content);
  await flush([temporary, ...before]);
  renameSync(temporary, path);
  await sync(dirname(path));
}

/** Writes a file that is its owner's alone, where an agent may have left something else. Throws if it did. */
export function writePrivate(path: string, content: string): void {
  const file = openSync(path, WRITE_WITHOUT_WAITING, 0o600);
  try {
    writeFileSync(file, content);
  } finally {
    closeSync(file);
  }
}

/** Waits until files of one directory are on the disk, with their names. */
export async function flush(paths: readonly [string, ...string[]]): Promise<void> {
  await Promise.all([dirname(paths[0]), ...paths].map(sync));
}

const fsyncSoon = promisify(fsync);

/** Waits until a file, or the names in a directory, are on the disk. */
async function sync(path: string): Promise<void> {
  const file = openSync(path, READ_WITHOUT_WAITING);
  try {
    await fsyncSoon(file);
  } finally {
    closeSync(file);
  }
}
