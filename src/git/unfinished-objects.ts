import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { lookInside } from './byte-path.js';
import { removeFile } from './remove-file.js';

/** As git begins the names of objects and packs that it is writing. */
const UNFINISHED = 'tmp_';

/**
 * Removes what git could not write to its end from a git directory. It leaves that, as on a full disk, and begins anew
 * beside it each time. Follows no link.
 */
export function dropUnfinished(gitDirectory: string): void {
  const objects = join(gitDirectory, 'objects');
  if (!lookInside(dirname(gitDirectory), `${basename(gitDirectory)}/objects`)?.isDirectory()) return;
  for (const entry of readdirSync(objects, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const directory = join(objects, entry.name);
    for (const name of readdirSync(directory)) {
      if (name.startsWith(UNFINISHED)) removeFile(join(directory, name));
    }
  }
}
