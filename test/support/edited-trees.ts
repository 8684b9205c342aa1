import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { applyEdit, type Edit, edit } from './edits.js';
import { git, makeRepository } from './git.js';

/** Makes a repository, with a commit, of the edits to an empty tree. */
export async function repositoryOf(
  workspace: string,
  user: Record<string, string>,
  committed: readonly Edit[],
): Promise<string> {
  const root = await makeRepository(workspace, user, {});
  for (const one of committed) applyEdit(root, one);
  await git(root, user, ['add', '-A']);
  await git(root, user, ['commit', '-q', '--allow-empty', '-m', 'tree']);
  return root;
}

/** Makes edits that the user stages and does not commit. */
export async function stage(
  root: string,
  user: Record<string, string>,
  uncommitted: readonly Edit[],
): Promise<void> {
  for (const one of uncommitted) applyEdit(root, one);
  await git(root, user, ['add', '-A']);
}

/**
 * Checks a property of what is committed to a repository, what is then changed in it, and what the agent does, up to
 * `runs` times and for so many milliseconds. The seed is told, whatever comes of it.
 */
export async function checkEditedTrees(
  context: TestContext,
  { runs, milliseconds }: { runs: number; milliseconds: number },
  check: (committed: Edit[], uncommitted: Edit[], ofAgent: Edit[]) => Promise<void>,
): Promise<void> {
  const seed = (Math.random() * 2 ** 31) | 0;
  context.diagnostic(`fast-check seed ${seed}`);
  // fast-check leaves the case at work that its time limit interrupts, and the files would be removed under it.
  let lastCase = Promise.resolve();
  const property = fc.asyncProperty(
    fc.array(edit, { maxLength: 8 }),
    fc.array(edit, { maxLength: 6 }),
    fc.array(edit, { maxLength: 8 }),
    (...edits) => {
      lastCase = check(...edits);
      return lastCase;
    },
  );
  await fc.assert(property, {
    seed,
    numRuns: runs,
    interruptAfterTimeLimit: milliseconds,
    verbose: true,
  });
  await lastCase;
}
