import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
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
  put,
  snapshot,
} from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const files = {
  'a.txt': 'one\n',
  'dir/inner.txt': 'inner\n',
  'dir/other.txt': 'other\n',
  'far/away.txt': 'away\n',
};

async function makeSparse(...more: string[]): Promise<string> {
  const root = await makeRepository(workspace, user, files);
  await git(root, user, ['sparse-checkout', 'set', ...more]);
  return root;
}

for (const [title, words] of [
  ['with patterns', ['--no-cone', '/a.txt']],
  ['with directories', ['--cone', 'dir']],
  ['with a sparse index', ['--cone', '--sparse-index', 'dir']],
] as const) {
  test(`a sparse checkout stays sparse, ${title}, and what is absent is not deleted by the patch`, async () => {
    const root = await makeSparse(...words);
    put(root, 'a.txt', 'changed\n');
    const before = snapshot(root);
    const worktree = await make(planFor(workspace, root, user));
    assert.deepEqual(snapshot(worktree.path, isGit), snapshot(root, isGit));
    assert.deepEqual(snapshot(root), before);
    assert.equal(existsSync(join(worktree.path, 'far')), false);
    assert.equal((await git(worktree.path, user, ['status', '--porcelain'])).toString(), '');
    put(worktree.path, 'a.txt', 'by the agent\n');
    const { files: list } = await capture(workspace, worktree, user);
    assert.deepEqual(
      list.map(({ path, status }) => [path, status]),
      [['a.txt', 'modified']],
    );
  });
}

test('a file outside of a sparse checkout that the caller has anyway comes too', async () => {
  const root = await makeSparse('--no-cone', '/a.txt');
  put(root, 'dir/inner.txt', 'changed\n');
  const worktree = await make(planFor(workspace, root, user));
  assert.equal(readFileSync(join(worktree.path, 'dir/inner.txt'), 'utf8'), 'changed\n');
  assert.equal(existsSync(join(worktree.path, 'dir/other.txt')), false);
});

test('a file that the agent writes where the sparse checkout has none is in the patch', async () => {
  const root = await makeSparse('--no-cone', '/a.txt');
  const worktree = await make(planFor(workspace, root, user));
  put(worktree.path, 'far/away.txt', 'nearer\n');
  rmSync(join(worktree.path, 'a.txt'));
  const { files: list, patch } = await capture(workspace, worktree, user);
  assert.deepEqual(
    list.map(({ path, status }) => [path, status]),
    [
      ['a.txt', 'deleted'],
      ['far/away.txt', 'modified'],
    ],
  );
  assert.match(patch.toString(), /^-away\n\+nearer$/m);
});

test('a file that the agent puts in the place of a directory that is absent removes in the patch what is in it', async () => {
  const root = await makeSparse('--no-cone', '/a.txt');
  const worktree = await make(planFor(workspace, root, user));
  put(worktree.path, 'dir', 'a file now\n');
  const { files: list, patch } = await capture(workspace, worktree, user);
  assert.deepEqual(
    list.map(({ path, status }) => [path, status]),
    [
      ['dir', 'added'],
      ['dir/inner.txt', 'deleted'],
      ['dir/other.txt', 'deleted'],
    ],
  );
  const tree = await applied(workspace, worktree, user, patch);
  assert.deepEqual(Object.keys(tree).sort(), ['a.txt', 'dir', 'far/away.txt']);
});

test('of files that a partial clone has no content of, the patch holds what the agent put there, and applies where their content is', async () => {
  const origin = await makeRepository(workspace, user, { ...files, 'far/gone.txt': 'gone\n' });
  symlinkSync('a.txt', join(origin, 'link'));
  await git(origin, user, ['add', '-A']);
  await git(origin, user, ['commit', '-q', '-m', 'link']);
  await git(origin, user, ['config', 'uploadpack.allowFilter', 'true']);
  const root = join(workspace, 'partial');
  await git(workspace, user, [
    'clone',
    '-q',
    '--filter=blob:none',
    '--no-checkout',
    `file://${origin}`,
    root,
  ]);
  await git(root, user, ['sparse-checkout', 'set', '--no-cone', '/a.txt']);
  await git(root, user, ['checkout', '-q']);
  const worktree = await make(planFor(workspace, root, user));
  put(worktree.path, 'a.txt', 'changed\n');
  put(worktree.path, 'far/away.txt', 'nearer\n');
  put(worktree.path, 'far/gone.txt', 'gone\n');
  put(worktree.path, 'dir', 'a file now\n');
  put(worktree.path, 'link', 'no link now\n');
  const { files: list, patch, report } = await capture(workspace, worktree, user);
  assert.deepEqual(
    list.map(({ path, status, added }) => [path, status, added]),
    [
      ['a.txt', 'modified', 1],
      ['dir', 'added', 1],
      ['dir/inner.txt', 'deleted', null],
      ['dir/other.txt', 'deleted', null],
      ['far/away.txt', 'modified', null],
      ['link', 'typechange', null],
    ],
  );
  assert.match(
    report.warnings.join('\n'),
    /no content .*"dir\/inner.txt", "dir\/other.txt", "far\/away.txt"/,
  );
  for (const clone of [root, origin]) {
    await git(clone, user, ['apply', '--index', '--whitespace=nowarn'], patch);
    assert.equal(readFileSync(join(clone, 'far/away.txt'), 'utf8'), 'nearer\n');
    const tree = await git(clone, user, ['ls-files']);
    assert.deepEqual(tree.toString().split('\n'), [
      'a.txt',
      'dir',
      'far/away.txt',
      'far/gone.txt',
      'link',
      '',
    ]);
  }
  await git(origin, user, ['apply', '--index', '-R'], patch);
  assert.equal((await git(origin, user, ['status', '--porcelain'])).toString(), '');
});
