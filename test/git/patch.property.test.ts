import assert from 'node:assert/strict';
import { realpathSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { releaseWorktree } from '../../src/git/release.js';
import { removeWorktree } from '../../src/git/removal.js';
import type { MadeWorktree } from '../../src/git/worktree.js';
import { applyEdit as apply, type Edit, edit } from '../support/edits.js';
import {
  applied,
  capture,
  git,
  isGit,
  make,
  makeRepository,
  makeUser,
  makeWorkspace,
  planFor,
  slotOf,
  snapshot,
} from '../support/git.js';
import { withLastCase } from '../support/last-case.js';
import { checkoutState } from '../support/slots.js';

const workspace = realpathSync(makeWorkspace());
const user = makeUser(workspace);

const release = (worktree: MadeWorktree) =>
  releaseWorktree({
    slotDirectory: slotOf(worktree),
    baselineCommit: worktree.baselineCommit,
    warmSlots: 1,
    overlay: false,
    environment: user,
    signal: new AbortController().signal,
    prove: true,
  });

test('whatever the agent does to whatever tree, the patch turns the baseline into what it left, and the slot is as new after it', async (context) => {
  const seed = (Math.random() * 2 ** 31) | 0;
  context.diagnostic(`fast-check seed ${seed}`);
  const { check, lastCase } = withLastCase(
    async (committed: Edit[], uncommitted: Edit[], ofAgent: Edit[]) => {
      const root = await makeRepository(workspace, user, {});
      for (const one of committed) apply(root, one);
      await git(root, user, ['add', '-A']);
      await git(root, user, ['commit', '-q', '--allow-empty', '-m', 'tree']);
      for (const one of uncommitted) apply(root, one);
      await git(root, user, ['add', '-A']);
      const worktree = await make(planFor(workspace, root, user));
      const baseline = checkoutState(worktree.path, isGit);
      assert.deepEqual(snapshot(worktree.path, isGit), snapshot(root, isGit));
      for (const one of ofAgent) apply(worktree.path, one);
      const { patch } = await capture(workspace, worktree, user);
      assert.deepEqual(await applied(workspace, worktree, user, patch), snapshot(worktree.path));
      assert.equal(await release(worktree), 'kept');
      const next = await make(planFor(workspace, root, user, { warm: true }));
      assert.deepEqual(checkoutState(next.path, isGit), baseline);
      await removeWorktree(slotOf(next));
      rmSync(root, { recursive: true });
    },
  );
  const property = fc.asyncProperty(
    fc.array(edit, { maxLength: 8 }),
    fc.array(edit, { maxLength: 6 }),
    fc.array(edit, { maxLength: 8 }),
    check,
  );
  await fc.assert(property, { seed, numRuns: 300, interruptAfterTimeLimit: 15_000, verbose: true });
  await lastCase();
});
