import { isUtf8 } from 'node:buffer';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promptLook } from './look.js';
import { readRegularFile } from './regular-file.js';

/** git follows no chain that is longer. */
const MAX_DEPTH = 6;
const MAX_LENDERS = 32;
const MAX_LIST_BYTES = 64 * 1024;

/**
 * The object directories that one borrows from, by `info/alternates`, in it and in each that it leads to:
 * gitrepository-layout(5). Real paths; as git does, those that are not there are passed over. Null where only git knows:
 * there are too many, a real path is not UTF-8, or a list is too long or in a form that we do not read.
 */
export function lendersOf(objects: string): string[] | null {
  const start = promptLook.realPath(objects) ?? objects;
  const found = new Set([start]);
  let borrowers = [start];
  for (let depth = 0; depth < MAX_DEPTH && borrowers.length > 0; depth += 1) {
    const named = borrowers.map(readAlternates);
    if (named.includes(null)) return null;
    const there = named.flatMap((paths) => paths ?? []).flatMap((path) => promptLook.realPath(path) ?? []);
    // That of a name that is not UTF-8 is not its name any more.
    if (there.some((path) => promptLook.at(path) === null)) return null;
    borrowers = [...new Set(there)].filter((path) => !found.has(path) && promptLook.at(path)?.isDirectory());
    for (const lender of borrowers) found.add(lender);
    if (found.size > MAX_LENDERS) return null;
  }
  found.delete(start);
  return [...found];
}

/** A line is a path, one that starts with `#` a remark. A path from nowhere begins in the object directory. */
function readAlternates(objects: string): string[] | null {
  const file = join(objects, 'info', 'alternates');
  if (!existsSync(file)) return [];
  const content = readRegularFile(file, MAX_LIST_BYTES);
  if (content === null || !isUtf8(content)) return null;
  const lines = content.toString('utf8').split('\n');
  const entries = lines.filter((line) => line !== '' && !line.startsWith('#')).map(unquoted);
  if (entries.includes(null) || entries.length > MAX_LENDERS) return null;
  return entries.map((path) => resolve(objects, path ?? ''));
}

/** What `quoted` wrote, or a path as it stands. Null for the other escapes that git knows. */
function unquoted(line: string): string | null {
  if (!line.startsWith('"')) return line;
  const inside = /^"((?:[^"\\]|\\["\\n])*)"$/.exec(line)?.[1];
  return inside?.replace(/\\(.)/g, (_, letter) => (letter === 'n' ? '\n' : letter)) ?? null;
}

/** A path as a line of `info/alternates`: in quotes it may hold any character. */
export const quoted = (path: string): string => `"${path.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n')}"\n`;
