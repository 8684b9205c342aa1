import { lstatSync, type Stats } from 'node:fs';

/** A path as git gives it, each byte one character, so that a name in any encoding survives. */
export type BytePath = string;

export const toBytes = (path: BytePath): Buffer => Buffer.from(path, 'latin1');

/** The directory that a path lies in; empty for the root. */
export const parentOf = (path: BytePath): BytePath => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** Paths for the standard input of a git command with `-z`. */
export const pathList = (paths: readonly BytePath[]): Buffer =>
  toBytes(paths.map((path) => `${path}\0`).join(''));

export const splitRecords = (output: Buffer): string[] => output.toString('latin1').split('\0').slice(0, -1);

export const absolutePath = (root: string, path: BytePath): Buffer =>
  Buffer.concat([Buffer.from(`${root}/`), toBytes(path)]);

export const lookAt = (root: string, path: BytePath): Stats | undefined => {
  try {
    return lstatSync(absolutePath(root, path), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
};

/**
 * What lies at a path of a tree that an agent had: nothing where a link stands in the place of a directory on the way,
 * for behind it lies what is not of the tree.
 */
export const lookInside = (root: string, path: BytePath): Stats | undefined => {
  const parent = parentOf(path);
  return parent === '' || lookInside(root, parent)?.isDirectory() ? lookAt(root, path) : undefined;
};
