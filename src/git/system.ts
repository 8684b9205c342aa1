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

/** True when a directory carries extended attributes or an access list; where there is no GNU tar, none is seen. Meanwhile their list lies in `beside`. */
export async function haveAttributes(directories: readonly Buffer[], beside: string): Promise<boolean> {
  const kinds = ['--acls', '--xattrs-include=user.*', '--xattrs-include=trusted.*'];
  const archive = await archiveHeaders(directories, beside, kinds);
  return archive?.includes('SCHILY.') ?? false;
}

/**
 * Which directories of an overlay's upper directory hide the directory below them, in the same order; null when it
 * cannot be told. Meanwhile their list lies in the directory `beside`.
 */
export async function findOpaque(directories: readonly Buffer[], beside: string): Promise<boolean[] | null> {
  const archive = await archiveHeaders(directories, beside, ['--xattrs-include=user.overlay.opaque']);
  const opaque = archive === null ? [] : readOpaque(archive);
  return opaque.length === directories.length ? opaque : null;
}

const BLOCK_BYTES = 512;
const TYPE_AT = 156;
const SIZE_AT = 124;
const SIZE_DIGITS = 12;

/** Per directory of an archive in the pax format (pax(1)): an extended header comes before the entry it is about. */
function readOpaque(archive: Buffer): boolean[] {
  const opaque: boolean[] = [];
  let marked = false;
  for (let at = 0; at + BLOCK_BYTES <= archive.length; ) {
    const type = String.fromCharCode(archive[at + TYPE_AT] ?? 0);
    const size =
      Number.parseInt(archive.toString('latin1', at + SIZE_AT, at + SIZE_AT + SIZE_DIGITS), 8) || 0;
    const content = at + BLOCK_BYTES;
    if (type === 'x') {
      const records = archive.subarray(content, content + size);
      marked = records.includes(' SCHILY.xattr.user.overlay.opaque=y\n');
    } else if (type === '5') {
      opaque.push(marked);
      marked = false;
    }
    at = content + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return opaque;
}

/**
 * What an archive tells of directories. GNU tar tells attributes in its headers, and is there where other tools for
 * it are not.
 */
async function archiveHeaders(
  directories: readonly Buffer[],
  beside: string,
  kinds: readonly string[],
): Promise<Buffer | null> {
  const form = '--create --file=- --format=posix --no-recursion --absolute-names --xattrs --null'.split(' ');
  const list = join(beside, `directories-${randomUUID()}`);
  writeFileSync(list, Buffer.concat(directories.flatMap((path) => [path, Buffer.from([0])])));
  const archive = await runSmall(['tar', ...form, ...kinds, `--files-from=${list}`]);
  rmSync(list);
  return archive;
}

/** True when a process that we may look at has its working directory or its root in a directory. Linux only. */
export function isWorkedIn(directory: string): boolean {
  const isInside = (place: string) => place === directory || place.startsWith(`${directory}/`);
  return namesIn('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    const place = targetOf(`/proc/${name}/cwd`);
    // Who does not tell the one does not tell the other: most of these are the kernel's own.
    return place !== '' && (isInside(place) || isInside(targetOf(`/proc/${name}/root`)));
  });
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
