import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { removeWorktree } from '../../src/git/removal.js';
import { applyEdit, type Edit, editedTrees } from '../support/edits.js';
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
  releaseSlot,
  slotOf,
  snapshot,
} from '../support/git.js';
import { withLastCase } from '../support/last-case.js';
import { checkoutState } from '../support/slots.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);

test('whatever the agent does to whatever tree, the patch turns the baseline into what it left, and the slot is as new after it', async (context) => {
  const seed = (Math.random() * 2 ** 31) | 0;
  context.diagnostic(`fast-check seed ${seed}`);
  const { check, lastCase } = withLastCase(
    async (committed: Edit[], uncommitted: Edit[], ofAgent: Edit[]) => {
      const root = await makeRepository(workspace, user, {});
      for (const one of committed) applyEdit(root, one);
      await git(root, user, ['add', '-A']);
      await git(root, user, ['commit', '-q', '--allow-empty', '-m', 'tree']);
      for (const one of uncommitted) applyEdit(root, one);
      await git(root, user, ['add', '-A']);
      const worktree = await make(planFor(workspace, root, user));
      const baseline = checkoutState(worktree.path, isGit);
      assert.deepEqual(snapshot(worktree.path, isGit), snapshot(root, isGit));
      for (const one of ofAgent) applyEdit(worktree.path, one);
      const { patch } = await capture(workspace, worktree, user);
      assert.deepEqual(await applied(workspace, worktree, user, patch), snapshot(worktree.path));
      assert.equal(await releaseSlot(worktree, user), 'kept');
      const next = await make(planFor(workspace, root, user, { warm: true }));
      assert.deepEqual(checkoutState(next.path, isGit), baseline);
      await removeWorktree(slotOf(next));
      rmSync(root, { recursive: true });
    },
  );
  await fc.assert(editedTrees(check), { seed, numRuns: 300, interruptAfterTimeLimit: 15_000, verbose: true });
  await lastCase();
});
