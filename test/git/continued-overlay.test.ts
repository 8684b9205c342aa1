import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isOverlaySlot } from '../../src/git/slot.js';
import type { WorktreePlan } from '../../src/git/worktree.js';
import {
  applied,
  capture,
  git,
  handOver,
  isGit,
  make,
  makeRepository,
  makeUser,
  makeWorkspace,
  type PlannedWorktree,
  planFor,
  put,
  slotOf,
  snapshot,
} from '../support/git.js';
import { makeOverlayHouse } from '../support/overlay.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const house = await makeOverlayHouse(workspace, user);

const files = {
  'a.txt': 'one\n',
  'b.txt': 'two\nthree\nfour\n',
  'run.sh': '#!/bin/sh\n',
  'bin.dat': Buffer.from([0, 1, 2, 255]),
  'dir/inner.txt': 'inner\n',
  'dir/deep/file.txt': 'deep\n',
  'dir/deep/er/file.txt': 'deeper\n',
  'other/x': 'x\n',
  'other/y': 'y\n',
  '.gitignore': '*.log\n',
};

/** What the agents of a job and of its follow-ups do, one after the other. */
const chains: Record<string, string[]> = {
  'directories are removed, made anew and filled again': [
    'rm -r dir; mkdir dir; echo new >dir/new.txt',
    'test ! -e dir/inner.txt && mkdir -p dir/deep && echo back >dir/deep/file.txt; rm -r other',
    'test ! -e other && mkdir other && echo y >other/y; rm dir/new.txt',
    'test "$(cat dir/deep/file.txt)" = back && rm -r dir/deep; mkdir -p dir/deep/er; echo deeper >dir/deep/er/file.txt',
  ],
  'directories are renamed, and back': [
    'mv dir moved',
    'mv moved/deep deep; echo more >>deep/file.txt',
    'mv deep moved/deep; mv moved dir',
    'mv other dir/other; ln -s dir/other other',
  ],
  'binary files, modes and links': [
    'printf "\\000\\377\\r\\n" >bin.dat; chmod 755 a.txt; chmod 644 run.sh; ln -s a.txt link',
    'printf "\\377" >>bin.dat; ln -sf b.txt link; rm b.txt; ln -s /nonexistent/outside b.txt',
    'chmod 644 a.txt; rm link; cp bin.dat link; rm bin.dat; ln -s link bin.dat',
    'rm b.txt; printf "two\\nthree\\nfour\\n" >b.txt; mkdir run; mv run.sh run/sh',
  ],
  "files and directories take one another's places": [
    'rm -r dir; echo file >dir; rm a.txt; mkdir a.txt; echo in >a.txt/in',
    'rm dir; mkdir dir; echo inner >dir/inner.txt; rm -r a.txt; ln -s dir a.txt',
    'rm a.txt; echo one >a.txt; mv dir away; mv away dir',
    'rm -rf ./* .gitignore; echo only >only',
  ],
  'each takes back what the one before did': [
    'rm -r dir other; echo 1 >new; chmod 755 a.txt',
    'git checkout -q HEAD -- .; rm new',
    'rm -r dir other; echo 1 >new; chmod 755 a.txt',
    'git checkout -q HEAD -- .; git clean -qfd',
  ],
};

/** Has the agents of a chain work, each where the one before left off, on overlays or not; gives what each left. */
async function follow(root: string, acts: readonly string[], overlay: boolean) {
  let continues: WorktreePlan['continues'] = null;
  const left: { patch: string; tree: Record<string, string> }[] = [];
  for (const act of acts) {
    const plan: PlannedWorktree = planFor(workspace, root, user, { overlay, warm: true, continues });
    const worktree = await make(plan);
    assert.equal(isOverlaySlot(slotOf(worktree)), overlay);
    house.inside(worktree, ['sh', '-c', act]);
    const { patch, report } = await capture(workspace, worktree, user);
    assert.deepEqual(report.warnings, []);
    left.push({ patch: patch.toString('latin1'), tree: await applied(workspace, worktree, user, patch) });
    continues = await handOver(workspace, plan, worktree, user);
    await house.release(worktree, { overlay, warmSlots: overlay ? 0 : 1 });
  }
  return left;
}

/** What is there after each act where all of them are done in one tree. */
async function inOneTree(root: string, acts: readonly string[]): Promise<Record<string, string>[]> {
  const tree = mkdtempSync(join(workspace, 'tree-'));
  cpSync(root, tree, { recursive: true, verbatimSymlinks: true });
  await git(tree, user, ['add', '-A']);
  await git(tree, user, ['commit', '-q', '-m', 'baseline']);
  return acts.map((act) => {
    execFileSync('sh', ['-c', act], { cwd: tree, env: user });
    return snapshot(tree, isGit);
  });
}

for (const [title, acts] of Object.entries(chains)) {
  test(`three follow-ups on overlays leave what they leave in ordinary worktrees: ${title}`, {
    skip: house.works ? false : 'no overlay can be mounted here',
  }, async () => {
    const root = await makeRepository(workspace, user, files);
    await house.prepare(root);
    // The baseline is not the lower tree, and is a commit of ours.
    put(root, 'other/y', 'not committed\n');
    put(root, 'only/here.txt', 'staged\n');
    await git(root, user, ['add', '-A']);
    const before = snapshot(root);
    const onOverlays = await follow(root, acts, true);
    assert.deepEqual(onOverlays, await follow(root, acts, false));
    assert.deepEqual(
      onOverlays.map(({ tree }) => tree),
      await inOneTree(root, acts),
    );
    assert.deepEqual(snapshot(root), before);
  });
}
