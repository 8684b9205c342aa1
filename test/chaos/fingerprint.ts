import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Identity of all that a directory holds: names, kinds, modes and bytes, `.git` included. */
export async function fingerprint(directory: string): Promise<string> {
  const hash = createHash('sha256');
  await add(directory, '');

  async function add(root: string, path: string): Promise<void> {
    const full = join(root, path);
    const found = await lstat(full);
    hash.update(`${path}\0${found.mode}\0`);
    if (found.isDirectory())
      for (const name of (await readdir(full)).sort()) await add(root, join(path, name));
    else hash.update(found.isSymbolicLink() ? await readlink(full) : await readFile(full));
  }
  return hash.digest('hex');
}
