import type { BytePath } from './byte-path.js';
import type { ObjectPack } from './object-pack.js';

/** A file as a tree tells it. */
export interface TreeFile {
  /** Octal, as `100644`. */
  mode: string;
  /** In hexadecimal. */
  id: string;
}

type Directory = Map<string, TreeFile | Directory>;

/**
 * Adds the trees that hold these files and nothing else, and gives the id of the outermost. Null where a file lies in
 * the place of another one's directory.
 */
export function addTrees(files: ReadonlyMap<BytePath, TreeFile>, pack: ObjectPack): string | null {
  const root: Directory = new Map();
  for (const [path, file] of files) {
    const names = path.split('/');
    const name = names.pop() ?? '';
    const directory = directoryAt(root, names);
    if (directory === null || directory.has(name)) return null;
    directory.set(name, file);
  }
  return addTree(root, pack);
}

function directoryAt(root: Directory, names: readonly string[]): Directory | null {
  let directory = root;
  for (const name of names) {
    const found = directory.get(name) ?? new Map();
    if (!(found instanceof Map)) return null;
    directory.set(name, found);
    directory = found;
  }
  return directory;
}

const DIRECTORY = '40000';

function addTree(directory: Directory, pack: ObjectPack): string {
  // In the order of their bytes, directories as if their names ended with a slash.
  const entries = [...directory].map(([name, entry]) => ({
    name,
    place: entry instanceof Map ? `${name}/` : name,
    ...(entry instanceof Map ? { mode: DIRECTORY, id: addTree(entry, pack) } : entry),
  }));
  entries.sort((one, other) => (one.place < other.place ? -1 : 1));
  return pack.add(
    'tree',
    Buffer.concat(
      entries.flatMap(({ mode, name, id }) => [
        Buffer.from(`${mode} ${name}\0`, 'latin1'),
        Buffer.from(id, 'hex'),
      ]),
    ),
  );
}
