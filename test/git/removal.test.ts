import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as nextLook } from 'node:timers/promises';
import {
  deleteTree,
  discardParts,
  emptyTrashSoon,
  removeWorktree,
  sweepTrash,
} from '../../src/git/removal.js';
import { trimPool } from '../../src/git/slot-pool.js';
import { makeUser, makeWorkspace, outside, put, releaseSlot, snapshot } from '../support/git.js';

test('a tree is deleted whose directories nobody may write to, and nothing that its links lead to', async () => {
  const workspace = makeWorkspace();
  const [tree, other] = [join(workspace, 'tree'), join(workspace, 'other')];
  for (const directory of [join(tree, 'go/pkg/mod'), other]) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'a.txt'), 'one\n');
    symlinkSync(other, join(directory, 'link'));
    chmodSync(directory, 0o555);
  }
  const before = snapshot(other);
  await deleteTree(tree);
  assert.ok(!existsSync(tree));
  assert.deepEqual(snapshot(other), before);
  chmodSync(other, 0o755);
});

test('a link in the place of a tree goes, and what it leads to stays as it is', async () => {
  const workspace = makeWorkspace();
  const directory = join(workspace, 'directory');
  mkdirSync(directory);
  const link = join(directory, 'link');
  symlinkSync(outside(workspace), link);
  chmodSync(outside(workspace), 0o500);
  // Root may remove it all the same; others may not, and then nothing behind it is opened either.
  chmodSync(directory, 0o555);
  const before = snapshot(outside(workspace));
  await deleteTree(link);
  assert.deepEqual(snapshot(outside(workspace)), before);
  for (const closed of [directory, outside(workspace)]) chmodSync(closed, 0o755);
});

test('what a thread threw away before it died goes when a later job of the repository is released', async () => {
  const workspace = makeWorkspace();
  const repository = join(workspace, 'repositories', 'one');
  const trash = join(repository, 'trash');
  for (const name of ['left-1', 'left-2', 'trial-of-another-thread'])
    mkdirSync(join(trash, name, 'deep'), { recursive: true });
  const released = { path: join(repository, 'slots', 'job', 'wt'), baselineCommit: 'never made' };
  assert.equal(await releaseSlot(released, makeUser(workspace)), 'removed');
  while (readdirSync(trash).length > 1) await nextLook(20);
  // What may be put back yet is not touched while threads are at work.
  assert.deepEqual(readdirSync(trash), ['trial-of-another-thread']);
  await sweepTrash(join(workspace, 'repositories'));
  assert.deepEqual(readdirSync(trash), []);
});

test('links in the place of a trash, or of what holds slots, lead no deletion to what is behind them', async () => {
  const workspace = makeWorkspace();
  const repository = join(workspace, 'repositories/one');
  const [idle, trash] = [join(repository, 'idle'), join(repository, 'trash')];
  mkdirSync(repository, { recursive: true });
  for (const shelf of [idle, trash]) symlinkSync(outside(workspace), shelf);
  const before = snapshot(outside(workspace));
  await sweepTrash(join(workspace, 'repositories'));
  await removeWorktree(join(idle, 'theirs'));
  await trimPool(join(workspace, 'repositories'), { warmSlots: 1, overlay: false });
  assert.deepEqual(snapshot(outside(workspace)), before);
});

test('a link in the place of a trash gets nothing of what is thrown away', async () => {
  const workspace = makeWorkspace();
  const repository = join(workspace, 'repositories/one');
  const [slot, trash] = [join(repository, 'slots/job'), join(repository, 'trash')];
  const before = snapshot(outside(workspace));
  const throwAway: Record<string, () => unknown> = {
    'a part of a slot': () => discardParts(slot, [join(slot, 'wt')]),
    'a slot': () => removeWorktree(slot),
  };
  for (const [what, act] of Object.entries(throwAway)) {
    put(slot, 'wt/a.txt', 'one\n');
    symlinkSync(outside(workspace), trash);
    await act();
    assert.ok(!existsSync(join(slot, 'wt')), what);
    assert.deepEqual(snapshot(outside(workspace)), before, what);
    rmSync(trash, { recursive: true });
  }
});

test('a trash that is to be emptied loses nothing of what a link leads to that came into its place', async () => {
  const workspace = makeWorkspace();
  const [linked, other] = [join(workspace, 'repositories/one'), join(workspace, 'repositories/two')];
  mkdirSync(linked, { recursive: true });
  symlinkSync(outside(workspace), join(linked, 'trash'));
  put(other, 'trash/doomed/a.txt', 'one\n');
  const before = snapshot(outside(workspace));
  for (const repository of [linked, other]) emptyTrashSoon(join(repository, 'slots/job'));
  // Both are emptied by one program, in this order.
  while (existsSync(join(other, 'trash/doomed'))) await nextLook(20);
  assert.deepEqual(snapshot(outside(workspace)), before);
});
