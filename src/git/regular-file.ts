import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/**
 * Reads a regular file of at most `maxBytes`; null when there is none, it is longer, or it is no regular
 * file. A named pipe put in its place cannot make the reader wait.
 */
export async function readRegularFile(path: string | Buffer, maxBytes: number): Promise<Buffer | null> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const found = await file.stat();
    return found.isFile() && found.size <= maxBytes ? await file.readFile() : null;
  } catch {
    return null;
  } finally {
    await file.close();
  }
}
