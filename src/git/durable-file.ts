import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file that is there whole or not at all: beside its place first, on the disk, then by a rename.
 * Hashes what passes.
 */
export class DurableFile {
  private readonly hash = createHash('sha256');
  /** Bytes written so far. */
  bytes = 0;

  private constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly file: FileHandle,
  ) {}

  static async create(path: string): Promise<DurableFile> {
    const temporary = `${path}.tmp`;
    return new DurableFile(path, temporary, await open(temporary, 'w', 0o600));
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.hash.update(chunk);
    this.bytes += chunk.length;
    await this.file.writeFile(chunk);
  }

  /** Puts the file into its place, and gives the SHA-256 of its bytes in hexadecimal. */
  async commit(): Promise<string> {
    await this.file.sync();
    await this.file.close();
    await rename(this.temporary, this.path);
    await syncDirectory(dirname(this.path));
    return this.hash.digest('hex');
  }

  async discard(): Promise<void> {
    await this.file.close().catch(() => {});
    await rm(this.temporary, { force: true });
  }
}

export async function writeDurably(path: string, content: string): Promise<void> {
  const file = await DurableFile.create(path);
  try {
    await file.write(Buffer.from(content));
    await file.commit();
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** The rename itself is on the disk only when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
