import { realpathSync, type Stats, statSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';

/** How a thread looks at files of the caller's. Each answers null where nothing is, or where it may not look. */
export interface Look {
  /** Links are followed. */
  at(path: string): Promise<Stats | null> | Stats | null;
  realPath(path: string): Promise<string | null> | string | null;
}

/** For a thread that waits for no disk. */
export const patientLook: Look = {
  at: (path) => stat(path).catch(() => null),
  realPath: (path) => realpath(path).catch(() => null),
};

/** For a thread that may: a tenth of the work. */
export const promptLook = {
  at: (path: string): Stats | null => orNull(() => statSync(path, { throwIfNoEntry: false })),
  realPath: (path: string): string | null => orNull(() => realpathSync.native(path)),
} satisfies Look;

function orNull<Answer>(look: () => Answer | undefined): Answer | null {
  try {
    return look() ?? null;
  } catch {
    return null;
  }
}
