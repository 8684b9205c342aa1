import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { namesIn } from './names-in.js';
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
 * True when a directory carries extended attributes, an access list, or flags of its file system that `fresh`, a new
 * directory beside them, does not. What this machine or its file system cannot tell counts as not there. Meanwhile
 * the list of them lies in `fresh`.
 */
export async function haveAttributes(directories: readonly Buffer[], fresh: string): Promise<boolean> {
  const kinds = ['--acls', '--xattrs-include=user.*', '--xattrs-include=trusted.*'];
  const [archive, flagged] = await withList(directories, fresh, (list) =>
    Promise.all([archiveHeaders(list, kinds), haveFlags(list, fresh)]),
  );
  return flagged || (archive?.includes('SCHILY.') ?? false);
}

/** Told by the system, not set by anybody: kept in extents, indexed, with its data in its inode. */
const SYSTEM_FLAGS = 'eIN-';

async function haveFlags(list: string, fresh: string): Promise<boolean> {
  const told = await runSmall(['xargs', '--null', `--arg-file=${list}`, 'lsattr', '-d', fresh]);
  const flags = told?.toString('latin1').match(/^[-A-Za-z]+(?= )/gm) ?? [];
  const usual = SYSTEM_FLAGS + (flags[0] ?? '');
  return flags.some((each) => [...each].some((flag) => !usual.includes(flag)));
}

/**
 * Which directories of an overlay's upper directory hide the directory below them, in the same order; null when it
 * cannot be told. Meanwhile their list lies in the directory `beside`.
 */
export async function findOpaque(directories: readonly Buffer[], beside: string): Promise<boolean[] | null> {
  const kinds = ['--xattrs-include=user.overlay.opaque'];
  const archive = await withList(directories, beside, (list) => archiveHeaders(list, kinds));
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
 * What an archive tells of the directories of a list. GNU tar tells attributes in its headers, and is there where other
 * tools for it are not.
 */
function archiveHeaders(list: string, kinds: readonly string[]): Promise<Buffer | null> {
  const form = '--create --file=- --format=posix --no-recursion --absolute-names --xattrs --null'.split(' ');
  return runSmall(['tar', ...form, ...kinds, `--files-from=${list}`]);
}

/** Has paths in a file, each with a zero byte after it, while `use` goes on. */
async function withList<Answer>(
  paths: readonly Buffer[],
  beside: string,
  use: (list: string) => Promise<Answer>,
): Promise<Answer> {
  const list = join(beside, `directories-${randomUUID()}`);
  writeFileSync(list, Buffer.concat(paths.flatMap((path) => [path, Buffer.from([0])])));
  const answer = await use(list);
  rmSync(list);
  return answer;
}

/** Takes the flags away that forbid to change, rename or remove what bears them: chattr(1). Links are not followed. */
export const dropFixedFlags = (tree: string): Promise<boolean> =>
  runQuietly('chattr', ['-R', '-f', '-i', '-a', '--', tree]);

const LOOKS = 50;
const BETWEEN_LOOKS_MS = 20;

/** Whether nobody works in a directory any more. A git of ours that was just killed may take a moment to go. */
export async function isLeft(directory: string): Promise<boolean> {
  for (let look = 1; isWorkedIn(directory); look += 1) {
    if (look === LOOKS) return false;
    await delay(BETWEEN_LOOKS_MS);
  }
  return true;
}

/** True when a process that we may look at has its working directory or its root in a directory. Linux only. */
function isWorkedIn(directory: string): boolean {
  const isInside = (place: string) => place === directory || place.startsWith(`${directory}/`);
  const kernels = kernelThreads();
  return namesIn('/proc').some((name) => {
    if (!/^\d+$/.test(name) || kernels.has(name)) return false;
    const place = targetOf(`/proc/${name}/cwd`);
    // Who does not tell the one does not tell the other.
    return place !== '' && (isInside(place) || isInside(targetOf(`/proc/${name}/root`)));
  });
}

/** Flag of a thread of the kernel in field 9 of /proc/PID/stat (proc(5)). */
const KERNEL_THREAD = 0x00200000;

/** Ids of the kernel's own threads, often half of all there are: the children of process 2, where that is one itself. */
function kernelThreads(): ReadonlySet<string> {
  try {
    const stat = readFileSync('/proc/2/stat', 'latin1');
    const flags = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6]);
    if ((flags & KERNEL_THREAD) === 0) return new Set();
    return new Set(readFileSync('/proc/2/task/2/children', 'latin1').split(' '));
  } catch {
    return new Set();
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
