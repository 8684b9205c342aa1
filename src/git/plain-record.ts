import { closeSync, fstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { READ_WITHOUT_WAITING } from '../open-flags.js';
import { absolutePath, type BytePath, lookInside } from './byte-path.js';
import type { IndexChanges } from './index-changes.js';
import type { IndexContent } from './index-file.js';
import { LINK_MODE } from './modes.js';
import { ObjectPack } from './object-pack.js';
import { addTrees, type TreeFile } from './trees.js';

/** Two trees: of the files that changed as they were in the baseline, and as they lie. Between them lies the change. */
export interface Trees {
  before: string;
  after: string;
}

/** The thread does nothing else meanwhile, and others wait for it: some tens of milliseconds at most. */
const MOST_FILES = 500;
/** All of it is held in memory. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Each directory on the way to a file is looked at once more for it, and is a tree of its own. */
const MOST_NAMES = 32;

/**
 * Records the changes of a checkout without git, which needs three processes for it. Null where only git knows what is
 * right, or can say what is wrong: names that it may refuse, what is no file or link, what cannot be read, and where
 * there is much of it or it lies deep. `index` is the baseline's.
 */
export function recordPlainly(
  checkout: string,
  index: IndexContent,
  { removed, changed }: IndexChanges,
  objectsDirectory: string,
): Trees | null {
  const paths = [...removed, ...changed];
  if (paths.length > MOST_FILES || paths.some(liesDeep) || paths.some(mayBeRefused)) return null;
  const pack = new ObjectPack(index.idBytes);
  const was = new Map<BytePath, TreeFile>();
  for (const path of paths) {
    const entry = index.file(path);
    if (entry !== null) was.set(path, entry);
  }
  const is = new Map(was);
  for (const path of removed) is.delete(path);
  let room = MAX_BYTES;
  for (const path of changed) {
    const found = readPlain(checkout, path, room);
    if (found === null) return null;
    room -= found.content.length;
    is.set(path, { mode: found.mode, id: pack.add('blob', found.content) });
  }
  const before = addTrees(was, pack);
  const after = addTrees(is, pack);
  if (before === null || after === null) return null;
  pack.place(objectsDirectory);
  return { before, after };
}

const liesDeep = (path: BytePath): boolean => path.split('/').length > MOST_NAMES;

const OWNER_EXECUTES = 0o100;

/** Null for what is no file and no link, or not as it was looked at. */
function readPlain(
  checkout: string,
  path: BytePath,
  maxBytes: number,
): { mode: string; content: Buffer } | null {
  const place = absolutePath(checkout, path);
  const found = lookInside(checkout, path);
  if (found === undefined || found.size > maxBytes) return null;
  try {
    if (found.isSymbolicLink()) return { mode: LINK_MODE, content: readlinkSync(place, 'buffer') };
    const content = found.isFile() ? readFile(place, found.size) : null;
    return content && { mode: (found.mode & OWNER_EXECUTES) === 0 ? '100644' : '100755', content };
  } catch {
    return null;
  }
}

function readFile(place: Buffer, bytes: number): Buffer | null {
  const file = openSync(place, READ_WITHOUT_WAITING);
  try {
    if (!fstatSync(file).isFile()) return null;
    const content = readFileSync(file);
    return content.length === bytes ? content : null;
  } finally {
    closeSync(file);
  }
}

/**
 * What some system takes for `.git` or `.gitmodules`: case does not matter, nor do characters of no width, which are
 * none of ASCII's, nor what comes after a space, a period or a colon. Short names end in digits after a tilde, and a
 * backslash parts names elsewhere. Others may be among them, as that of a file `.gitmodules`.
 */
const LIKE_GIT = /^[\x80-\xff]*\.[\x80-\xff]*g[\x80-\xff]*i[\x80-\xff]*t(?:m|(?![-\w]))|~\d|\\/i;

/** Whether git may refuse a path for a name in it: verify_path() of its read-cache.c. */
const mayBeRefused = (path: BytePath): boolean => path.split('/').some((name) => LIKE_GIT.test(name));
