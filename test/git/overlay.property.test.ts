import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isOverlaySlot } from '../../src/git/slot.js';
import { applyEdit, type Edit, editedTrees } from '../support/edits.js';
import { capture, git, makeRepository, makeUser, makeWorkspace, slotOf } from '../support/git.js';
import { withLastCase } from '../support/last-case.js';
import { makeOverlayHouse } from '../support/overlay.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const house = await makeOverlayHouse(workspace, user);
const agent = [process.execPath, join(import.meta.dirname, '../support/edit-tree.js')];

test('whatever the agent does to whatever tree, an overlay gives the patch that an ordinary worktree gives', {
  skip: house.works ? false : 'no overlay can be mounted here',
}, async (context) => {
  const seed = (Math.random() * 2 ** 31) | 0;
  context.diagnostic(`fast-check seed ${seed}`);
  const { check, lastCase } = withLastCase(
    async (committed: Edit[], uncommitted: Edit[], ofAgent: Edit[]) => {
      const root = await makeRepository(workspace, user, {});
      for (const one of committed) applyEdit(root, one);
      await git(root, user, ['add', '-A']);
      await git(root, user, ['commit', '-q', '--allow-empty', '-m', 'tree']);
      await house.prepare(root);
      for (const one of uncommitted) applyEdit(root, one);
      await git(root, user, ['add', '-A']);
      const patches: Buffer[] = [];
      for (const overlay of [true, false]) {
        const worktree = await house.make(root, overlay);
        assert.equal(isOverlaySlot(slotOf(worktree)), overlay);
        house.inside(worktree, agent, JSON.stringify(ofAgent));
        const captured = await capture(workspace, worktree, user);
        assert.deepEqual(captured.report.warnings, []);
        patches.push(captured.patch);
        await house.release(worktree, { overlay });
      }
      assert.equal(patches[0]?.toString('latin1'), patches[1]?.toString('latin1'));
      rmSync(root, { recursive: true });
    },
  );
  await fc.assert(editedTrees(check), { seed, numRuns: 150, interruptAfterTimeLimit: 20_000, verbose: true });
  await lastCase();
});
