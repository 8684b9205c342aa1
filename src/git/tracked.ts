import type { Additions } from './additions.js';
import { type BytePath, parentOf } from './byte-path.js';
import type { IndexContent } from './index-file.js';
import type { IndexListing } from './index-listing.js';

/** What the baseline tracks: paths with bytes as characters. */
export interface Tracked {
  files: TrackedFiles;
  /** Every directory that leads to a file, the root among them, each with the directories in it. */
  directories: Pick<ReadonlyMap<BytePath, readonly BytePath[]>, 'has' | 'get' | 'keys' | 'size'>;
  submodules: ReadonlySet<BytePath>;
  /** Files that a sparse checkout does not have. */
  absent: ReadonlySet<BytePath>;
  /** Submodules that were checked out: they are walked by themselves. */
  apart: ReadonlySet<BytePath>;
}

export interface TrackedFiles {
  has(path: BytePath): boolean;
  /** Those in a directory, at whatever depth. */
  below(directory: BytePath): BytePath[];
}

/** For a whole checkout, in which each file is looked up. */
export function sortTracked(index: IndexListing, { submodules: checkedOut }: Additions): Tracked {
  const files = new Set(index.paths());
  const submodules = new Set<BytePath>();
  const absent = new Set<BytePath>();
  for (const { path, commit, skipped } of index.odd()) {
    if (skipped) absent.add(path);
    else if (commit !== null) submodules.add(path);
    else continue;
    files.delete(path);
  }
  let inOrder: BytePath[] | undefined;
  const below = (directory: BytePath) => {
    inOrder ??= [...files];
    return startingWith(inOrder, `${directory}/`);
  };
  return {
    files: { has: (path) => files.has(path), below },
    submodules,
    absent,
    apart: new Set(checkedOut.map(({ path }) => path)),
    directories: directoriesOf(files),
  };
}

/** Of paths in the order of their bytes, which an index has. */
function startingWith(paths: readonly BytePath[], beginning: string): BytePath[] {
  let [first, after] = [0, paths.length];
  while (first < after) {
    const middle = (first + after) >>> 1;
    if ((paths[middle] ?? '') < beginning) first = middle + 1;
    else after = middle;
  }
  let end = first;
  while (paths[end]?.startsWith(beginning)) end += 1;
  return paths.slice(first, end);
}

const NONE: ReadonlySet<BytePath> = new Set();

/**
 * For a checkout of which only what differs is looked through: few of many paths are looked up, so the index is
 * searched as it lies. For an index without odd entries.
 */
export function searchTracked(index: IndexContent): Tracked {
  const below = (directory: BytePath) => index.startingWith(directory === '' ? '' : `${directory}/`);
  let sorted: Map<BytePath, BytePath[]> | undefined;
  const all = () => {
    sorted ??= directoriesOf(index.paths());
    return sorted;
  };
  return {
    files: { has: (path) => index.has(path), below },
    directories: {
      has: (path) => path === '' || index.hasStartingWith(`${path}/`),
      get: (path) => all().get(path),
      keys: () => all().keys(),
      get size() {
        return all().size;
      },
    },
    submodules: NONE,
    absent: NONE,
    apart: NONE,
  };
}

/** Every directory that leads to one of the files, the root among them, each with the directories in it. */
function directoriesOf(files: Iterable<BytePath>): Map<BytePath, BytePath[]> {
  const directories = new Map<BytePath, BytePath[]>([['', []]]);
  const add = (directory: BytePath): BytePath[] => {
    const known = directories.get(directory);
    if (known !== undefined) return known;
    add(parentOf(directory)).push(directory);
    const inside: BytePath[] = [];
    directories.set(directory, inside);
    return inside;
  };
  let last = '';
  for (const path of files) {
    // Files of a directory follow one another.
    if (path.lastIndexOf('/') === last.length && path.startsWith(last)) continue;
    last = parentOf(path);
    add(last);
  }
  return directories;
}
