import { escapedName, type PatchFile } from './patch-files.js';

/**
 * The files of a patch that cannot be applied without these others of it: each takes a place that one of those leaves, as
 * a file does in the place of its directory, or the other way round. What depends on them in turn is among them.
 */
export function findDependents(files: readonly PatchFile[], others: ReadonlySet<PatchFile>): Set<PatchFile> {
  const takers = new Takers(files.filter((file) => takesPlace(file) && !others.has(file)));
  const dependents = new Set<PatchFile>();
  const missing = [...others];
  for (let file = missing.pop(); file !== undefined; file = missing.pop()) {
    if (!leavesPlace(file)) continue;
    for (const taker of takers.at(escapedName(file.oldPath ?? file.path))) {
      if (!dependents.has(taker)) missing.push(taker);
      dependents.add(taker);
    }
  }
  return dependents;
}

const takesPlace = ({ status }: PatchFile): boolean =>
  status === 'added' || status === 'renamed' || status === 'copied';

const leavesPlace = ({ status }: PatchFile): boolean => status === 'deleted' || status === 'renamed';

/** Files by the places that they take: their own, and those of the directories that they need. */
class Takers {
  private readonly files = new Map<string, PatchFile>();
  private readonly below = new Map<string, PatchFile[]>();

  constructor(files: readonly PatchFile[]) {
    for (const file of files) {
      const path = escapedName(file.path);
      this.files.set(path, file);
      for (const directory of directoriesOf(path)) {
        const others = this.below.get(directory);
        if (others === undefined) this.below.set(directory, [file]);
        else others.push(file);
      }
    }
  }

  /** Those that are in the way of a file at that path. */
  at(path: string): PatchFile[] {
    const above = directoriesOf(path).flatMap((directory) => this.files.get(directory) ?? []);
    return [...above, ...(this.below.get(path) ?? [])];
  }
}

const directoriesOf = (path: string): string[] =>
  [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));
