import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type MadeWorktree, makeWorktree } from '../../src/git/worktree.js';
import {
  applied,
  capture,
  expectCode,
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
  releaseSlot,
  snapshot,
} from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const files = { 'a.txt': 'one\n', 'b.txt': 'two\n', 'dir/c.txt': 'three\n' };

const leave = (plan: PlannedWorktree, worktree: MadeWorktree) => handOver(workspace, plan, worktree, user);

test('a worktree that goes on has the first baseline and the patch, and its own patch holds both', async () => {
  const root = await makeRepository(workspace, user, files);
  put(root, 'a.txt', 'one, not committed\n');
  const first = planFor(workspace, root, user);
  const worktree = await make(first);
  put(worktree.path, 'dir/c.txt', 'by the first\n');
  put(worktree.path, 'new.txt', 'new\n');
  const continues = await leave(first, worktree);
  rmSync(join(worktree.path, '..'), { recursive: true });

  // The caller goes on meanwhile: another content, a commit, a conflict in the index.
  put(root, 'a.txt', 'changed again\n');
  await git(root, user, ['commit', '-q', '-a', '-m', 'second']);
  put(root, 'b.txt', 'dirty\n');
  const second = planFor(workspace, root, user, { continues });
  const next = await make(second);
  assert.equal(next.baselineCommit, worktree.baselineCommit);
  assert.deepEqual(next.warnings, []);
  assert.equal(readFileSync(join(next.path, 'a.txt'), 'utf8'), 'one, not committed\n');
  assert.equal(readFileSync(join(next.path, 'b.txt'), 'utf8'), 'two\n');
  assert.equal(readFileSync(join(next.path, 'dir/c.txt'), 'utf8'), 'by the first\n');
  const status = (await git(next.path, user, ['status', '--porcelain'])).toString();
  assert.equal(status, ' M dir/c.txt\n?? new.txt\n');
  put(next.path, 'new.txt', 'new, and changed\n');
  put(next.path, 'b.txt', 'by the second\n');
  const { patch, files: list } = await capture(workspace, next, user);
  assert.deepEqual(
    list.map(({ path, status }) => [path, status]),
    [
      ['b.txt', 'modified'],
      ['dir/c.txt', 'modified'],
      ['new.txt', 'added'],
    ],
  );
  assert.deepEqual(await applied(workspace, next, user, patch), snapshot(next.path, isGit));

  // And once more, from what the second kept itself.
  const last = await leave(second, next);
  rmSync(join(next.path, '..'), { recursive: true });
  rmSync(first.keptObjects, { recursive: true });
  const third = await make(planFor(workspace, root, user, { continues: last }));
  assert.equal(readFileSync(join(third.path, 'b.txt'), 'utf8'), 'by the second\n');
  assert.ok((await capture(workspace, third, user)).patch.equals(patch));
});

test('a baseline that is a commit of the caller keeps nothing, and nothing of the caller is carried over', async () => {
  const root = await makeRepository(workspace, user, files);
  const first = planFor(workspace, root, user);
  const worktree = await make(first);
  assert.equal(existsSync(first.keptObjects), false);
  const continues = await leave(first, worktree);
  assert.equal(continues.patch.bytes, 0);
  put(root, 'a.txt', 'dirty\n');
  const next = await make(planFor(workspace, root, user, { continues }));
  assert.equal(next.baselineCommit, worktree.baselineCommit);
  assert.equal(readFileSync(join(next.path, 'a.txt'), 'utf8'), 'one\n');
  assert.equal((await capture(workspace, next, user)).patch.length, 0);
});

test('modes, links, deletions, binary files and renames come over as they are', async () => {
  const root = await makeRepository(workspace, user, { ...files, 'bin.dat': Buffer.from([0, 1, 2, 255]) });
  const first = planFor(workspace, root, user);
  const worktree = await make(first);
  const { path } = worktree;
  rmSync(join(path, 'dir'), { recursive: true });
  put(path, 'bin.dat', Buffer.from([255, 0, 13, 10, 0]));
  put(path, 'crlf.txt', 'x\r\ny \r\n');
  await git(path, user, ['mv', 'a.txt', 'moved.txt']);
  chmodSync(join(path, 'b.txt'), 0o755);
  symlinkSync('moved.txt', join(path, 'dir'));
  const before = snapshot(path, isGit);
  const continues = await leave(first, worktree);
  const { patch } = await capture(workspace, worktree, user);
  for (const warm of [false, true]) {
    const next = await make(planFor(workspace, root, user, { continues, warm }));
    assert.deepEqual(snapshot(next.path, isGit), before);
    assert.ok((await capture(workspace, next, user)).patch.equals(patch));
  }
});

test('the slot of a job that went on is as new for the next job', async () => {
  const root = await makeRepository(workspace, user, files);
  const first = planFor(workspace, root, user);
  const worktree = await make(first);
  put(worktree.path, 'dir/c.txt', 'by the first\n');
  put(worktree.path, 'new/one.txt', 'new\n');
  const continues = await leave(first, worktree);
  const next = await make(planFor(workspace, root, user, { continues }));
  assert.equal(await releaseSlot(next, user), 'kept');
  const warm = await make(planFor(workspace, root, user, { warm: true }));
  assert.deepEqual(snapshot(warm.path, isGit), snapshot(root, isGit));
  assert.equal((await capture(workspace, warm, user)).patch.length, 0);
});

test('a sparse checkout stays sparse, and a patch of an absent file brings it in', async () => {
  const root = await makeRepository(workspace, user, files);
  await git(root, user, ['sparse-checkout', 'set', '--no-cone', '/a.txt']);
  const first = planFor(workspace, root, user);
  const worktree = await make(first);
  put(worktree.path, 'dir/c.txt', 'in spite of it\n');
  const continues = await leave(first, worktree);
  const next = await make(planFor(workspace, root, user, { continues }));
  assert.equal(existsSync(join(next.path, 'b.txt')), false);
  assert.equal(readFileSync(join(next.path, 'dir/c.txt'), 'utf8'), 'in spite of it\n');
  const { files: list } = await capture(workspace, next, user);
  assert.deepEqual(
    list.map(({ path, status }) => [path, status]),
    [['dir/c.txt', 'modified']],
  );
});

test('conflicts in the index of the caller do not matter to a job that goes on', async () => {
  const root = await makeRepository(workspace, user, files);
  const first = planFor(workspace, root, user);
  const continues = await leave(first, await make(first));
  await git(root, user, ['checkout', '-q', '-b', 'other']);
  put(root, 'a.txt', 'other\n');
  await git(root, user, ['commit', '-q', '-a', '-m', 'other']);
  await git(root, user, ['checkout', '-q', '-']);
  put(root, 'a.txt', 'mine\n');
  await git(root, user, ['commit', '-q', '-a', '-m', 'mine']);
  await assert.rejects(git(root, user, ['merge', '-q', 'other']));
  expectCode(await makeWorktree(planFor(workspace, root, user)), 'unmerged_index');
  const next = await make(planFor(workspace, root, user, { continues }));
  assert.equal(readFileSync(join(next.path, 'a.txt'), 'utf8'), 'one\n');
});

test('a baseline that is gone, and a patch that is not the one that was kept, are refused', async () => {
  const root = await makeRepository(workspace, user, files);
  put(root, 'a.txt', 'dirty\n');
  const first = planFor(workspace, root, user);
  const worktree = await make(first);
  put(worktree.path, 'b.txt', 'by the agent\n');
  const continues = await leave(first, worktree);
  const refused = async (over: Partial<typeof continues>, code: string) => {
    expectCode(
      await makeWorktree(planFor(workspace, root, user, { continues: { ...continues, ...over } })),
      code,
    );
  };
  await refused({ keptObjects: join(workspace, 'nowhere') }, 'cannot_continue');
  await refused({ patch: { ...continues.patch, sha256: '00' } }, 'result_unreadable');
  rmSync(continues.patch.file);
  await refused({}, 'result_unreadable');
});
