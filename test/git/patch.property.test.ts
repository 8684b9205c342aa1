import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { removeWorktree } from '../../src/git/removal.js';
import { checkEditedTrees, repositoryOf, stage } from '../support/edited-trees.js';
import { applyEdit } from '../support/edits.js';
import {
  applied,
  capture,
  isGit,
  make,
  makeUser,
  makeWorkspace,
  planFor,
  releaseSlot,
  slotOf,
  snapshot,
} from '../support/git.js';
import { checkoutState } from '../support/slots.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);

test('whatever the agent does to whatever tree, the patch turns the baseline into what it left, and the slot is as new after it', (context) =>
  checkEditedTrees(context, { runs: 300, milliseconds: 15_000 }, async (committed, uncommitted, ofAgent) => {
    const root = await repositoryOf(workspace, user, committed);
    await stage(root, user, uncommitted);
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
  }));
