import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isOverlaySlot } from '../../src/git/slot.js';
import { checkEditedTrees, repositoryOf, stage } from '../support/edited-trees.js';
import { capture, makeUser, makeWorkspace, slotOf } from '../support/git.js';
import { makeOverlayHouse } from '../support/overlay.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const house = await makeOverlayHouse(workspace, user);
const agent = [process.execPath, join(import.meta.dirname, '../support/edit-tree.js')];

test(
  'whatever the agent does to whatever tree, an overlay gives the patch that an ordinary worktree gives',
  {
    skip: house.works ? false : 'no overlay can be mounted here',
  },
  (context) =>
    checkEditedTrees(
      context,
      { runs: 150, milliseconds: 20_000 },
      async (committed, uncommitted, ofAgent) => {
        const root = await repositoryOf(workspace, user, committed);
        await house.prepare(root);
        await stage(root, user, uncommitted);
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
    ),
);
