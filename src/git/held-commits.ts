import { type GitContext, type GitFailure, runGit } from './git.js';

/** Of one thread: a daemon may see many commits in its life. */
const MOST_KNOWN = 1_000;
/** A mirror's path and a commit, each. */
const known = new Set<string>();

/**
 * Whether the commits of the caller, with their trees, are there for a slot, whatever becomes of the caller's objects.
 * A mirror loses nothing while it is there, so what one was found to hold by itself is not asked again. `context` is
 * the slot's, which may know of objects elsewhere.
 */
export async function areHeld(
  commits: readonly string[],
  mirror: string | null,
  context: GitContext,
): Promise<{ ok: true; all: boolean } | GitFailure> {
  const unknown = [...new Set(commits)].filter((commit) => !known.has(nameOf(mirror, commit)));
  if (unknown.length === 0) return { ok: true, all: true };
  if (mirror !== null) {
    const alone = { ...context, environment: { ...context.environment, GIT_OBJECT_DIRECTORY: mirror } };
    const held = await haveTrees(unknown, alone);
    if (!held.ok) return held;
    if (held.all) {
      if (known.size >= MOST_KNOWN) known.clear();
      for (const commit of unknown) known.add(nameOf(mirror, commit));
      return held;
    }
  }
  return haveTrees(unknown, context);
}

const nameOf = (mirror: string | null, commit: string): string => `${mirror}\n${commit}`;

async function haveTrees(
  commits: readonly string[],
  context: GitContext,
): Promise<{ ok: true; all: boolean } | GitFailure> {
  const trees = commits.map((commit) => `${commit}^{tree}\n`).join('');
  const found = await runGit(context, ['cat-file', '--batch-check'], Buffer.from(trees));
  return found.ok ? { ok: true, all: !found.stdout.includes(' missing\n') } : found;
}
