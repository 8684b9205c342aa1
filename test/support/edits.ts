import { chmodSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import fc from 'fast-check';

/** Few names, so that files, links and directories take each other's places. */
const name = fc.constantFrom('a', 'b', 'c d', '-rf', 'é', '\xff', 'n\nl', '"q"');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const line = fc.constantFrom('x\n', 'y\r\n', 'long line of some length\n', '\x00', '\xe9\n', 'end', '\t \n');
const content = fc.array(line, { maxLength: 12 }).map((lines) => lines.join(''));

/** One change to a tree. */
export const edit = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), path, content, executable: fc.boolean() }),
  fc.record({
    kind: fc.constant('link' as const),
    path,
    content: fc.constantFrom('.', '..', '/nonexistent/outside', 'missing'),
  }),
  fc.record({ kind: fc.constant('delete' as const), path }),
);
export type Edit = typeof edit extends fc.Arbitrary<infer E> ? E : never;

/** Puts what the edit says in its place, whatever was there; parents that are no directories make way. */
export function applyEdit(root: string, edit: Edit): void {
  const target = Buffer.from(`${root}/${edit.path}`, 'latin1');
  if (edit.kind !== 'delete') makeParents(root, edit.path);
  else if (!hasRealParents(root, edit.path)) return;
  rmSync(target, { recursive: true, force: true });
  if (edit.kind === 'link') symlinkSync(edit.content, target);
  if (edit.kind === 'file') {
    writeFileSync(target, Buffer.from(edit.content, 'latin1'));
    chmodSync(target, edit.executable ? 0o755 : 0o644);
  }
}

const parentsOf = (path: string): string[] => {
  const parent = dirname(path);
  return parent === '.' ? [] : [...parentsOf(parent), parent];
};

const isDirectory = (path: Buffer): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

const hasRealParents = (root: string, path: string): boolean =>
  parentsOf(path).every((parent) => isDirectory(Buffer.from(`${root}/${parent}`, 'latin1')));

function makeParents(root: string, path: string): void {
  for (const parent of parentsOf(path)) {
    const directory = Buffer.from(`${root}/${parent}`, 'latin1');
    if (isDirectory(directory)) continue;
    rmSync(directory, { force: true });
    mkdirSync(directory);
  }
}
