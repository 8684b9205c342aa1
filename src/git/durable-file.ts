import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file that is there whole or not at all: beside its place first, then by a rename. Hashes what
 * passes. Whether it is on the disk is another matter: `writeLast`.
 */
export class NewFile {
  private readonly hash = createHash('sha256');
  /** Bytes written so far. */
  bytes = 0;

  private constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly file: FileHandle,
  ) {}

  static async create(path: string): Promise<NewFile> {
    const temporary = `${path}.tmp`;
    return new NewFile(path, temporary, await open(temporary, 'w', 0o600));
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.hash.update(chunk);
    this.bytes += chunk.length;
    await this.file.writeFile(chunk);
  }

  /** Puts the file into its place, and gives the SHA-256 of its bytes in hexadecimal. */
  async place(): Promise<string> {
    await this.file.close();
    await rename(this.temporary, this.path);
    return this.hash.digest('hex');
  }

  async discard(): Promise<void> {
    await this.file.close().catch(() => {});
    await rm(this.temporary, { force: true });
  }
}

/**
 * Writes the last file of several in one directory, which tells that the others are whole: it is in its place
 * only when all of them are on the disk. That takes one wait, not one for each.
 */
export async function writeLast(path: string, content: string, before: readonly string[]): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeFile(temporary, content, { mode: 0o600 });
  await Promise.all([temporary, ...before].map(sync));
  // The renames of the others are on the disk only when their directory is.
  await sync(dirname(path));
  await rename(temporary, path);
  await sync(dirname(path));
}

/** Waits until a file, or the names in a directory, are on the disk. */
async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
