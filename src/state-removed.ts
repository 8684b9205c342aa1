import { statSync } from 'node:fs';

const LOOK_MS = 1_000;
/** A file that is moved away and back meanwhile is none the worse. */
const LOOKS = 3;

/**
 * Resolves with the path of the first of the files that is not the one it was any more, three looks in a row: somebody
 * has removed or replaced it. Does not keep the process from ending.
 */
export function removedOf(paths: readonly string[]): Promise<string> {
  const files = paths.map((path) => ({ path, before: statSync(path), missed: 0 }));
  return new Promise((resolve) => {
    const looking = setInterval(() => {
      for (const file of files) {
        file.missed = isInPlace(file) ? 0 : file.missed + 1;
        if (file.missed < LOOKS) continue;
        clearInterval(looking);
        resolve(file.path);
      }
    }, LOOK_MS).unref();
  });
}

function isInPlace({ path, before }: { path: string; before: { dev: number; ino: number } }): boolean {
  try {
    const now = statSync(path, { throwIfNoEntry: false });
    return now?.ino === before.ino && now.dev === before.dev;
  } catch {
    // Who may not look, or cannot, does not know.
    return true;
  }
}
