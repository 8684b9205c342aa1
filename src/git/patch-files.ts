import { isUtf8 } from 'node:buffer';
import { type BytePath, splitRecords, toBytes } from './byte-path.js';

/** One file of a patch. */
export interface PatchFile {
  /** UTF-8; a name that is not, or that begins with a quote, in git's own quotes: `"caf\351"`. */
  path: string;
  /** Where a renamed or copied file came from. */
  oldPath?: string;
  status: 'added' | 'modified' | 'deleted' | 'renamed' | 'typechange' | 'copied';
  /** Lines; null for a binary file. */
  added: number | null;
  removed: number | null;
  /** Octal, as git writes them; `000000` where there is no file. */
  oldMode: string;
  newMode: string;
}

const statuses: Record<string, PatchFile['status']> = {
  A: 'added',
  M: 'modified',
  D: 'deleted',
  R: 'renamed',
  T: 'typechange',
  C: 'copied',
};

/**
 * Reads the output of `git diff-tree -r --raw --numstat -z`: first all raw records, then one line of numbers
 * for each, in the same order (git-diff-tree(1), "Raw output format" and "Other diff formats").
 */
export function readPatchFiles(output: Buffer): PatchFile[] {
  const fields = splitRecords(output);
  const files: PatchFile[] = [];
  let at = 0;
  const next = (): string => fields[at++] ?? '';
  while (fields[at]?.startsWith(':')) files.push(readRaw(next));
  for (const file of files) Object.assign(file, readNumbers(next));
  return files;
}

/** `:oldmode newmode oldid newid status`, then one path, or two for a rename or a copy. */
function readRaw(next: () => string): PatchFile {
  const [oldMode = '', newMode = '', , , letter = ''] = next().slice(1).split(' ');
  const status = statuses[letter.charAt(0)] ?? 'modified';
  const first = readableName(next());
  const moved = status === 'renamed' || status === 'copied';
  const names = moved ? { path: readableName(next()), oldPath: first } : { path: first };
  return { ...names, status, added: 0, removed: 0, oldMode, newMode };
}

/** `added`, tab, `removed`, tab, path; for a rename the path is empty here and two more fields follow. */
function readNumbers(next: () => string): Pick<PatchFile, 'added' | 'removed'> {
  const [added = '', removed = '', ...path] = next().split('\t');
  if (path.join('\t') === '') {
    next();
    next();
  }
  return { added: readCount(added), removed: readCount(removed) };
}

const readCount = (text: string): number | null => (text === '-' ? null : Number(text));

/** A name as `PatchFile` tells it. */
export function readableName(path: BytePath): string {
  const bytes = toBytes(path);
  return isUtf8(bytes) && !path.startsWith('"') ? bytes.toString('utf8') : quote(path);
}

/** A name without git's quotes around it, for those who look at its parts. */
export const withoutQuotes = (path: string): string => (path.startsWith('"') ? path.slice(1, -1) : path);

/** A name with each byte of it printable: alike for names in quotes and without. */
export const escapedName = (path: string): string =>
  path.startsWith('"') ? path.slice(1, -1) : quote(Buffer.from(path).toString('latin1')).slice(1, -1);

const shortEscapes: Record<string, string> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

/** As git quotes names, see core.quotePath in git-config(1). */
const quote = (path: BytePath): string => `"${path.replace(/[\x00-\x1f"\\\x7f-\xff]/g, escapeCharacter)}"`;

const escapeCharacter = (character: string): string =>
  shortEscapes[character] ?? `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
