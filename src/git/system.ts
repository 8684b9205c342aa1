import { randomUUID } from 'node:crypto';
import { readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { takeShell } from './shell.js';

const environment = { PATH: '/usr/local/bin:/usr/bin:/bin' };

/** Runs a small program of the system, with no environment but a plain PATH. True when it succeeded. Never rejects. */
export const runQuietly = async (program: string, args: readonly string[]): Promise<boolean> =>
  (await runSmall([program, ...args])) !== null;

/** What a program wrote, which fits into memory; null when it failed. */
async function runSmall(words: readonly string[]): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  const shell = takeShell();
  try {
    const { status } = await shell.run(
      { words, directory: '/', environment },
      (chunk) => chunks.push(chunk) > 0,
      () => true,
    );
    return status === 0 ? Buffer.concat(chunks) : null;
  } catch {
    return null;
  } finally {
    shell.rest();
  }
}

/**
 * True when a directory carries extended attributes or an access list. GNU tar tells them in the headers of
 * an archive, and is there where other tools for it are not; where it is not, they cannot be seen. Meanwhile
 * their list lies beside the first of them.
 */
export async function haveAttributes(directories: readonly Buffer[]): Promise<boolean> {
  const options = '--create --file=- --no-recursion --absolute-names --acls --xattrs --null'.split(' ');
  const kinds = ['--xattrs-include=user.*', '--xattrs-include=trusted.*'];
  const list = join(`${directories[0]}`, '..', `directories-${randomUUID()}`);
  writeFileSync(list, Buffer.concat(directories.flatMap((path) => [path, Buffer.from([0])])));
  const archive = await runSmall(['tar', ...options, ...kinds, `--files-from=${list}`]);
  rmSync(list);
  return archive?.includes('SCHILY.') ?? false;
}

/** True when a process that we may look at has its working directory or its root in a directory. Linux only. */
export function isWorkedIn(directory: string): boolean {
  return namesIn('/proc').some(
    (name) =>
      /^\d+$/.test(name) &&
      [`/proc/${name}/cwd`, `/proc/${name}/root`].some((link) => {
        const place = targetOf(link);
        return place === directory || place.startsWith(`${directory}/`);
      }),
  );
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    // It has ended, or it is somebody else's.
    return '';
  }
}
