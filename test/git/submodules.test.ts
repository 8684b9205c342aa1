import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import {
  capture,
  git,
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

const isAnyGit = (path: string) => path === '.git' || path.endsWith('/.git');
const add = (root: string, source: string, path: string) =>
  git(root, user, ['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', source, path]);

/** A repository with a submodule that has a submodule itself. */
async function makeNested(): Promise<string> {
  const innermost = await makeRepository(workspace, user, { 'deep.txt': 'deep\n' });
  const inner = await makeRepository(workspace, user, { 'a.txt': 'inner\n', '.gitignore': '*.log\n' });
  await add(inner, innermost, 'libs/innermost');
  await git(inner, user, ['commit', '-qm', 'submodule']);
  const root = await makeRepository(workspace, user, { 'a.txt': 'outer\n' });
  await add(root, inner, 'mod ule');
  await git(root, user, [
    '-c',
    'protocol.file.allow=always',
    'submodule',
    '--quiet',
    'update',
    '--init',
    '--recursive',
  ]);
  await git(root, user, ['commit', '-qm', 'submodule']);
  return root;
}

test('submodules are checked out at their recorded commits, within one another too', async () => {
  const root = await makeNested();
  const before = snapshot(root);
  const worktree = await make(planFor(workspace, root, user));
  assert.deepEqual(worktree.warnings, []);
  assert.deepEqual(snapshot(worktree.path, isAnyGit), snapshot(root, isAnyGit));
  assert.deepEqual(snapshot(root), before);
  assert.equal((await git(worktree.path, user, ['status', '--porcelain'])).toString(), '');
  const { report, patch } = await capture(workspace, worktree, user);
  assert.equal(patch.length, 0);
  assert.deepEqual(report.warnings, []);
});

test('what the caller changed inside a submodule is reported, and a commit of theirs is carried', async () => {
  const root = await makeNested();
  put(root, 'mod ule/a.txt', 'committed\n');
  await git(join(root, 'mod ule'), user, ['commit', '-qam', 'of the caller']);
  const clean = await make(planFor(workspace, root, user));
  assert.equal(readFileSync(join(clean.path, 'mod ule/a.txt'), 'utf8'), 'committed\n');
  assert.deepEqual(clean.warnings, []);
  put(root, 'mod ule/a.txt', 'dirty\n');
  put(root, 'mod ule/libs/innermost/deep.txt', 'dirty\n');
  const worktree = await make(planFor(workspace, root, user));
  assert.equal(readFileSync(join(worktree.path, 'mod ule/a.txt'), 'utf8'), 'committed\n');
  assert.match(worktree.warnings.join(), /not carried over: "mod ule\/libs\/innermost", "mod ule"/);
});

test('a submodule with a split index is dirty only where something differs', async () => {
  const root = await makeNested();
  const inner = join(root, 'mod ule');
  await git(inner, user, ['update-index', '--split-index']);
  assert.deepEqual((await make(planFor(workspace, root, user))).warnings, []);
  put(inner, 'a.txt', 'dirty\n');
  const worktree = await make(planFor(workspace, root, user));
  assert.match(worktree.warnings.join(), /not carried over: "mod ule"\.$/);
});

test('of a submodule with a damaged index it is told that its changes are not known', async () => {
  const root = await makeNested();
  put(root, 'mod ule/a.txt', 'dirty\n');
  truncateSync(join(root, '.git/modules/mod ule/index'), 10);
  const worktree = await make(planFor(workspace, root, user));
  assert.deepEqual(worktree.warnings, ['Whether files of these submodules changed is not known: "mod ule".']);
});

test('a submodule whose objects are not at hand is an empty directory, and named', async () => {
  const root = await makeNested();
  const clone = join(workspace, 'without-submodules');
  await git(workspace, user, ['clone', '-q', root, clone]);
  const worktree = await make(planFor(workspace, clone, user));
  assert.deepEqual(readdirSync(join(worktree.path, 'mod ule')), []);
  assert.match(worktree.warnings.join(), /empty directories in the worktree: "mod ule"/);
  put(worktree.path, 'mod ule/file', 'x');
  const { report } = await capture(workspace, worktree, user);
  assert.match(report.warnings.join(), /into submodules were left out: 1/);
});

test('the files that an agent changes inside submodules are named, and the patch is of the rest', async () => {
  const root = await makeNested();
  const worktree = await make(planFor(workspace, root, user));
  put(worktree.path, 'a.txt', 'changed\n');
  put(worktree.path, 'mod ule/a.txt', 'changed\n');
  put(worktree.path, 'mod ule/debug.log', 'ignored there');
  put(worktree.path, 'mod ule/libs/innermost/new.txt', 'x\n');
  await git(join(worktree.path, 'mod ule'), user, ['init', '-q']);
  const { report, files } = await capture(workspace, worktree, user);
  assert.deepEqual(
    files.map(({ path }) => path),
    ['a.txt'],
  );
  assert.match(report.warnings.join('\n'), /left out; start a job .*: "mod ule\/a.txt"\.$/m);
  assert.match(report.warnings.join('\n'), /"libs\/innermost\/new.txt"/);
});

test('a file inside a submodule that is too large to be looked at is named as changed, and costs nothing', async () => {
  const root = await makeNested();
  const worktree = await make(planFor(workspace, root, user));
  put(worktree.path, 'a.txt', 'changed\n');
  put(worktree.path, 'mod ule/h\xfcge', Buffer.alloc(4_001));
  const { report, files } = await capture(workspace, worktree, user, { maxPatchBytes: 1_000 });
  assert.deepEqual(
    files.map(({ path }) => path),
    ['a.txt'],
  );
  assert.equal(report.leftOut, undefined);
  assert.match(report.warnings.join('\n'), /left out; start a job .*: "mod ule\/hüge"\.$/m);
});

test('git reads nothing of a repository that the agent made in the place of a submodule', async () => {
  const root = await makeNested();
  const worktree = await make(planFor(workspace, root, user));
  put(worktree.path, 'a.txt', 'changed\n');
  const theirs = join(worktree.path, 'mod ule/.git');
  for (const name of ['objects', 'refs/heads']) mkdirSync(join(theirs, name), { recursive: true });
  put(theirs, 'HEAD', 'ref: refs/heads/endless\n');
  // It would wait there for ever; what has no end would take all memory.
  await execa('mkfifo', [join(theirs, 'refs/heads/endless')]);
  const { report, files } = await capture(workspace, worktree, user);
  assert.deepEqual(
    files.map(({ path }) => path),
    ['a.txt'],
  );
  assert.match(report.warnings.join('\n'), /Repositories that the agent made/);
});

test('a submodule that the agent deletes is deleted by the patch', async () => {
  const root = await makeNested();
  const worktree = await make(planFor(workspace, root, user));
  rmSync(join(worktree.path, 'mod ule'), { recursive: true });
  const { files } = await capture(workspace, worktree, user);
  assert.deepEqual(
    files.map(({ path, status }) => [path, status]),
    [['mod ule', 'deleted']],
  );
});

test('a link in the way to a submodule leads no capture to the repository of the caller', async () => {
  const inner = await makeRepository(workspace, user, { 'a.txt': 'inner\n' });
  const root = await makeRepository(workspace, user, { 'a.txt': 'outer\n' });
  await add(root, inner, 'libs/inner');
  await git(root, user, ['commit', '-qm', 'submodule']);
  const before = snapshot(root);
  const worktree = await make(planFor(workspace, root, user));
  rmSync(join(worktree.path, 'libs'), { recursive: true });
  symlinkSync(join(root, 'libs'), join(worktree.path, 'libs'));
  const { files } = await capture(workspace, worktree, user);
  assert.deepEqual(snapshot(root), before);
  assert.deepEqual(
    files.map(({ path, status }) => [path, status]),
    [
      ['libs', 'added'],
      ['libs/inner', 'deleted'],
    ],
  );
});

test('a pipe in the place of the index of a submodule holds nobody up', { timeout: 120_000 }, async () => {
  const inner = await makeRepository(workspace, user, { 'a.txt': 'inner\n' });
  const root = await makeRepository(workspace, user);
  await add(root, inner, 'inner');
  await git(root, user, ['commit', '-qm', 'submodule']);
  const index = join(root, '.git/modules/inner/index');
  rmSync(index);
  await execa('mkfifo', [index]);
  const worktree = await make(planFor(workspace, root, user));
  assert.equal(readFileSync(join(worktree.path, 'inner/a.txt'), 'utf8'), 'inner\n');
  assert.match(worktree.warnings.join(), /not known: "inner"/);
});
