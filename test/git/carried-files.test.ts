import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { makeWorktree } from '../../src/git/worktree.js';
import {
  capture,
  expectCode,
  git,
  isGit,
  make,
  makeRepository,
  makeUser,
  makeWorkspace,
  outside,
  planFor,
  put,
  snapshot,
} from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const withUntracked = { includeUntracked: true };

test('untracked files belong to the baseline when they are asked for, and ignored ones never', async () => {
  const root = await makeRepository(workspace, user, { '.gitignore': '*.log\n', 'a.txt': 'one\n' });
  put(root, 'new/deep/file', 'x\r\n');
  put(root, 'line\nbreak', 'x');
  symlinkSync(join(outside(workspace), 'theirs'), join(root, 'link'));
  put(root, 'debug.log', 'ignored');
  put(root, '.git/info/exclude', 'private\n');
  put(root, 'private', 'excluded');
  const before = snapshot(root);
  const worktree = await make(planFor(workspace, root, user, withUntracked));
  const skip = (path: string) => isGit(path) || ['debug.log', 'private'].includes(path);
  assert.deepEqual(snapshot(worktree.path, isGit), snapshot(root, skip));
  assert.deepEqual(snapshot(root), before);
  assert.equal((await capture(workspace, worktree, user)).patch.length, 0);
});

test('what is over the limit is left out, counted and named', async () => {
  const root = await makeRepository(workspace, user);
  put(root, 'a-small', 'x');
  put(root, 'b-large', '');
  truncateSync(join(root, 'b-large'), 70_000_000);
  put(root, 'c-small', 'x');
  const worktree = await make(planFor(workspace, root, user, withUntracked));
  assert.deepEqual(Object.keys(snapshot(worktree.path, isGit)).sort(), ['a-small', 'a.txt', 'c-small']);
  assert.match(worktree.warnings.join(), /1 with 70000000 bytes, among them "b-large"/);
});

test('a repository inside is named and not carried, and what is no file is passed over', async () => {
  const root = await makeRepository(workspace, user);
  await git(root, user, ['init', '-q', 'nested']);
  put(root, 'nested/file', 'x');
  await execa('mkfifo', [join(root, 'pipe')]);
  const worktree = await make(planFor(workspace, root, user, withUntracked));
  assert.deepEqual(Object.keys(snapshot(worktree.path, isGit)), ['a.txt']);
  assert.match(worktree.warnings.join(), /Untracked repositories were not carried over: "nested"/);
});

test('ignored files that .worktreeinclude names are in the worktree, and never in the baseline or the patch', async () => {
  const root = await makeRepository(workspace, user, {
    '.gitignore': '.env*\n*.key\nignored/\n',
    '.worktreeinclude':
      '# secrets of the developer\n.env*\n!.env.example\nignored/kept\ntracked-not-ignored\n',
  });
  put(root, '.env', 'TOKEN=1\n');
  put(root, '.env.example', 'TOKEN=\n');
  put(root, 'sub/.env', 'TOKEN=2\n');
  put(root, 'server.key', 'not named');
  put(root, 'ignored/kept', 'x');
  put(root, 'ignored/other', 'x');
  put(root, 'tracked-not-ignored', 'only ignored files are named');
  const before = snapshot(root);
  const worktree = await make(planFor(workspace, root, user));
  assert.deepEqual(Object.keys(snapshot(worktree.path, isGit)).sort(), [
    '.env',
    '.gitignore',
    '.worktreeinclude',
    'ignored/kept',
    'sub/.env',
  ]);
  assert.deepEqual(worktree.warnings, []);
  assert.deepEqual(snapshot(root), before);
  rmSync(join(worktree.path, '.gitignore'));
  put(worktree.path, '.env', 'TOKEN=changed\n');
  const { files } = await capture(workspace, worktree, user);
  assert.deepEqual(
    files.map(({ path }) => path),
    ['.gitignore'],
  );
});

test('an included file stays out of the patch even where only an untracked rule ignores it', async () => {
  const root = await makeRepository(workspace, user, { '.worktreeinclude': '.env\n' });
  put(root, '.gitignore', '.env\n');
  put(root, '.env', 'TOKEN=1\n');
  const worktree = await make(planFor(workspace, root, user));
  assert.equal(readFileSync(join(worktree.path, '.env'), 'utf8'), 'TOKEN=1\n');
  assert.equal((await capture(workspace, worktree, user)).patch.length, 0);
});

test('an included link stays a link, and one that leaves the tree is left out; nothing is written through a link', async () => {
  const root = await makeRepository(workspace, user, {
    '.gitignore': 'cache/\ninside\noutside\n',
    '.worktreeinclude': 'cache/\ninside\noutside\n',
  });
  const outside = join(workspace, 'outside-of-it');
  mkdirSync(outside);
  symlinkSync(outside, join(root, 'cache'));
  await git(root, user, ['add', '-f', 'cache']);
  await git(root, user, ['commit', '-qm', 'a link where the cache is']);
  await git(root, user, ['rm', '-q', '--cached', 'cache']);
  await git(root, user, ['commit', '-qm', 'no more']);
  rmSync(join(root, 'cache'));
  put(root, 'cache/file', 'x');
  symlinkSync('cache/file', join(root, 'inside'));
  symlinkSync('../secret', join(root, 'outside'));
  const worktree = await make(planFor(workspace, root, user, { baseRef: 'HEAD~1' }));
  assert.equal(readlinkSync(join(worktree.path, 'inside')), 'cache/file');
  assert.equal(existsSync(join(worktree.path, 'outside')), false);
  assert.equal(existsSync(join(outside, 'file')), false);
  assert.match(worktree.warnings.join(), /could not be copied: .*"cache\/file", "outside"/);
});

test('a pipe in the place of a tracked file is left, and the baseline keeps the file', async () => {
  const root = await makeRepository(workspace, user);
  rmSync(join(root, 'a.txt'));
  await execa('mkfifo', [join(root, 'a.txt')]);
  const worktree = await make(planFor(workspace, root, user));
  assert.equal(readFileSync(join(worktree.path, 'a.txt'), 'utf8'), 'one\n');
  assert.match(worktree.warnings.join(), /in the place of files were not carried over: "a.txt"/);
});

test('a pipe where git reads attributes or ignore rules is refused by name instead of waited for', {
  timeout: 120_000,
}, async () => {
  for (const name of ['.gitattributes', '.gitignore']) {
    const root = await makeRepository(workspace, user, { 'dir/a.txt': 'one\n' });
    put(root, 'dir/a.txt', 'changed\n');
    await execa('mkfifo', [join(root, 'dir', name)]);
    const outcome = await makeWorktree(planFor(workspace, root, user, withUntracked));
    expectCode(outcome, 'worktree_failed');
    assert.match(outcome.ok ? '' : outcome.fault.message, new RegExp(`"dir/${name}" is a named pipe`));
  }
});

test('a pipe in the place of what git reads of a repository is refused by name within seconds', {
  timeout: 60_000,
}, async () => {
  const included = await makeRepository(workspace, user);
  const elsewhere = join(workspace, 'included');
  await git(included, user, ['config', 'include.path', elsewhere]);
  await execa('mkfifo', [elsewhere]);
  const shallow = await makeRepository(workspace, user);
  await execa('mkfifo', [join(shallow, '.git/shallow')]);
  for (const [root, name] of [
    [included, elsewhere],
    [shallow, '.git/shallow'],
  ] as const) {
    const outcome = await makeWorktree(planFor(workspace, root, user));
    expectCode(outcome, 'worktree_failed');
    assert.ok(
      !outcome.ok && outcome.fault.message.includes(`"${name}" is a named pipe`),
      outcome.ok ? '' : outcome.fault.message,
    );
  }
});

test('the clean filters of the user can be turned off', async () => {
  const filtering = makeUser(workspace, '[filter "upper"]\n\tclean = tr a-z A-Z\n\trequired = true\n');
  const root = await makeRepository(workspace, filtering, {
    '.gitattributes': '*.up filter=upper\n',
    'a.up': 'abc\n',
  });
  put(root, 'a.up', 'changed\n');
  const worktree = await make(planFor(workspace, root, filtering, { cleanFilters: false }));
  assert.equal(readFileSync(join(worktree.path, 'a.up'), 'utf8'), 'changed\n');
});

test('a pipe in the place of an index is refused at once', { timeout: 120_000 }, async () => {
  const root = await makeRepository(workspace, user);
  await execa('mkfifo', [join(root, '.git/sharedindex.0')]);
  await make(planFor(workspace, root, user));
  rmSync(join(root, '.git/index'));
  await execa('mkfifo', [join(root, '.git/index')]);
  const outcome = await makeWorktree(planFor(workspace, root, user));
  expectCode(outcome, 'worktree_failed');
  assert.match(outcome.ok ? '' : outcome.fault.message, /the index is damaged/);
});
