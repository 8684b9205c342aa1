import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Every entry below a directory with all that tells it from another: type, mode, owner, number of names, and
 * content. Names are bytes as characters.
 */
export function checkoutState(
  directory: string,
  skip: (path: string) => boolean = () => false,
): Record<string, string> {
  const state: Record<string, string> = {};
  const look = (path: string, key: string): void => {
    const bytes = Buffer.from(path, 'latin1');
    const found = lstatSync(bytes);
    const permissions = (found.mode & 0o7777).toString(8);
    const owner = `${found.uid}:${found.gid}`;
    if (found.isDirectory()) {
      state[`${key}/`] = `directory ${permissions} ${owner}`;
      for (const name of readdirSync(bytes, { encoding: 'latin1' })) {
        const child = key === '' ? name : `${key}/${name}`;
        if (!skip(child)) look(`${path}/${name}`, child);
      }
    } else if (found.isSymbolicLink()) {
      state[key] = `link ${owner} ${readlinkSync(bytes, 'latin1')}`;
    } else if (found.isFile()) {
      const hash = createHash('sha256').update(readFileSync(bytes)).digest('hex');
      state[key] = `file ${permissions} ${owner} ${found.nlink} ${hash}`;
    } else state[key] = 'special';
  };
  look(Buffer.from(directory).toString('latin1'), '');
  return state;
}
