import { dirname } from 'node:path';

/** A variable for git: one that works in a worktree whose git directory is lost takes none further up for it. */
export const ceilingFor = (worktree: string): Record<string, string> => ({
  GIT_CEILING_DIRECTORIES: dirname(worktree),
});
