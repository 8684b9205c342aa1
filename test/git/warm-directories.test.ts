import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findAgentChanges } from '../../src/git/agent-changes.js';
import type { ReleasePlan } from '../../src/git/release.js';
import { surveySlot } from '../../src/git/survey.js';
import type { MadeWorktree } from '../../src/git/worktree.js';
import {
  applied,
  capture,
  git,
  isGit,
  make,
  makeRepository,
  makeUser,
  makeWorkspace,
  type PlannedWorktree,
  planFor,
  put,
  releaseSlot,
  slotOf,
  snapshot,
} from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const signal = new AbortController().signal;
const isRoot = process.getuid?.() === 0;
const GiB = 1024 ** 3;

const warmPaths = ['node_modules', 'build/cache'];
const files = {
  'a.txt': 'one\n',
  'build/make.sh': 'make\n',
  'packages/a/index.js': 'index\n',
  '.gitignore': 'node_modules\nbuild/cache/\n*.log\n',
};

interface Row {
  title: string;
  /** What the first job does once it has written its dependencies. */
  act: (root: string) => unknown;
  skip?: boolean;
}

/** In each, `node_modules` of the root is not kept. */
const doubts: Row[] = [
  {
    title: 'a symbolic link in its place',
    act: (root) => {
      renameSync(join(root, 'node_modules'), join(root, '../away'));
      symlinkSync('../away', join(root, 'node_modules'));
    },
  },
  { title: 'a file in its place', act: (root) => replace(root, () => put(root, 'node_modules', 'file\n')) },
  { title: 'a repository in it', act: (root) => git(join(root, 'node_modules/x'), user, ['init', '-q']) },
  { title: 'a `.git` file in it', act: (root) => put(root, 'node_modules/x/.git', 'gitdir: /nowhere\n') },
  { title: 'a pipe in it', act: (root) => execFileSync('mkfifo', [join(root, 'node_modules/pipe')]) },
  {
    title: 'a directory in it that may not be entered',
    act: (root) => chmodSync(join(root, 'node_modules/x'), 0),
  },
  {
    title: 'a file in it that has another name elsewhere',
    act: (root) => linkSync(join(root, 'node_modules/x/index.js'), join(workspace, 'other-name')),
  },
  {
    title: 'a file in it that is a tracked one by another name',
    act: (root) => linkSync(join(root, 'a.txt'), join(root, 'node_modules/linked')),
  },
  {
    title: 'more bytes than are kept',
    act: (root) => {
      put(root, 'node_modules/large', '');
      truncateSync(join(root, 'node_modules/large'), 2 * GiB);
    },
  },
  {
    title: 'a file of another owner',
    act: (root) => chownSync(join(root, 'node_modules/x/index.js'), 12345, 12345),
    skip: !isRoot,
  },
  {
    title: 'a flag on a directory',
    act: (root) => execFileSync('chattr', ['+A', join(root, 'node_modules/x')]),
    skip: !canFlag(),
  },
  {
    title: 'an access list on a directory',
    act: (root) => setAccessList(join(root, 'node_modules/x')),
    skip: !canSetAccessList(),
  },
];

for (const { title, act, skip = false } of doubts) {
  test(`a warm directory with a doubt is scrubbed, and the slot stays: ${title}`, { skip }, async () => {
    const root = await makeRepository(workspace, user, files);
    const first = await makeWarm(root);
    install(first.path);
    await act(first.path);
    assert.equal(await release(first), 'kept');
    assertNoneWarm(root);
    await assertAsNew(root);
  });
}

test('directories that the user named are there for the next job, as the last left them, and nothing else is', async () => {
  const root = await makeRepository(workspace, user, files);
  const first = await makeWarm(root);
  install(first.path);
  symlinkSync('x/index.js', join(first.path, 'node_modules/link'));
  linkSync(join(first.path, 'node_modules/x/index.js'), join(first.path, 'node_modules/second'));
  put(first.path, 'packages/a/node_modules/y', 'y\n');
  put(first.path, 'build/cache/z', 'z\n');
  put(first.path, 'packages/a/other.log', 'log\n');
  put(first.path, 'new/node_modules/n', 'n\n');
  const left = snapshot(join(first.path, 'node_modules'));
  for (let round = 0; round < 3; round += 1) {
    const last = round === 0 ? first : await makeWarm(root);
    const survey = await surveySlot(slotOf(last), last.baselineCommit, user, signal);
    assert.equal((await capture(workspace, last, user, { survey })).patch.length, 0);
    assert.equal(await release(last, { survey }), 'kept');
    assert.deepEqual(Object.keys(snapshot(join(idleSlot(root), 'wt'))).sort(), Object.keys(files).sort());
  }
  const next = await makeWarm(root);
  assert.deepEqual(snapshot(join(next.path, 'node_modules')), left);
  assert.equal(readFileSync(join(next.path, 'packages/a/node_modules/y'), 'utf8'), 'y\n');
  assert.equal(readFileSync(join(next.path, 'build/cache/z'), 'utf8'), 'z\n');
  const others = Object.keys(snapshot(next.path, (path) => isGit(path) || /node_modules|cache/.test(path)));
  assert.deepEqual(others.sort(), Object.keys(files).sort());
  assert.equal((await git(next.path, user, ['status', '--porcelain'])).toString(), '');
  assert.equal(existsSync(join(slotOf(next), 'warm')), false);
});

test('directories that nobody may write to, as those of module caches, are kept, and the next job may write to them', async () => {
  const root = await makeRepository(workspace, user, files);
  const first = await makeWarm(root);
  install(first.path);
  for (const path of ['node_modules/x', 'node_modules', 'packages/a'])
    chmodSync(join(first.path, path), 0o555);
  assert.equal(await release(first), 'kept');
  const next = await makeWarm(root);
  assert.equal(readFileSync(join(next.path, 'node_modules/x/index.js'), 'utf8'), 'x\n');
  for (const path of ['node_modules/x', 'node_modules', 'packages/a'])
    assert.equal(statSync(join(next.path, path)).mode & 0o777, 0o755, path);
});

test('what the next job changes in a warm directory is not in its patch, whatever it does to the ignore rules', async () => {
  const root = await makeRepository(workspace, user, files);
  await leaveWarm(root);
  const next = await makeWarm(root);
  put(next.path, 'node_modules/x/index.js', 'changed\n');
  put(next.path, 'node_modules/new', 'new\n');
  put(next.path, '.gitignore', '');
  put(next.path, 'a.txt', 'changed\n');
  await git(next.path, user, ['add', '--all', '--force']);
  await git(next.path, user, ['commit', '-q', '-m', 'all']);
  const { patch, files: changed } = await capture(workspace, next, user);
  assert.deepEqual(
    changed.map(({ path }) => path),
    ['.gitignore', 'a.txt'],
  );
  const result = await applied(workspace, next, user, patch);
  assert.deepEqual(Object.keys(result).sort(), Object.keys(files).sort());
  assert.equal(await release(next), 'kept');
  assert.equal(
    readFileSync(join((await makeWarm(root)).path, 'node_modules/x/index.js'), 'utf8'),
    'changed\n',
  );
});

test('what lies in a warm directory is no change of an agent that was only to read', async () => {
  const root = await makeRepository(workspace, user, files);
  await leaveWarm(root);
  const next = await makeWarm(root);
  assert.equal(existsSync(join(next.path, 'node_modules/x/index.js')), true);
  const find = () => findAgentChanges(slotOf(next), next.baselineCommit, user, signal);
  assert.deepEqual(await find(), []);
  put(next.path, 'a.txt', 'changed\n');
  put(next.path, 'new.txt', 'new\n');
  assert.deepEqual(await find(), ['a.txt', 'new.txt']);
});

test('the room that warm directories take counts in the bounds of the pool', async () => {
  const root = await makeRepository(workspace, user, files);
  await release(await makeWarm(root));
  const [before = 0, inodesBefore = 0] = sizesOf(idleSlot(root));
  const next = await makeWarm(root);
  put(next.path, 'node_modules/large', Buffer.alloc(1_000_000));
  await release(next);
  const [bytes = 0, inodes = 0] = sizesOf(idleSlot(root));
  assert.ok(bytes - before >= 1_000_000, `${before} and ${bytes} bytes`);
  assert.equal(inodes - inodesBefore, 2);
});

const rules: { title: string; ignore: string }[] = [
  { title: 'not ignored', ignore: '*.log\n' },
  { title: 'ignored in part', ignore: 'node_modules/*\n!node_modules/kept\n' },
];

for (const { title, ignore } of rules) {
  test(`a directory that is ${title} is not kept, and not put into a checkout whose rules say so`, async () => {
    const root = await makeRepository(workspace, user, { ...files, '.gitignore': ignore });
    await leaveWarm(root);
    assertNoneWarm(root);
    await assertAsNew(root);
    const other = await makeRepository(workspace, user, files);
    await leaveWarm(other);
    put(other, '.gitignore', ignore);
    await assertAsNew(other);
  });
}

test('a directory that only the agent ignores is not kept', async () => {
  const root = await makeRepository(workspace, user, { 'a.txt': 'one\n' });
  const first = await makeWarm(root);
  install(first.path);
  put(first.path, '.gitignore', 'node_modules\n');
  assert.equal(await release(first), 'kept');
  assertNoneWarm(root);
  await assertAsNew(root);
});

test('a directory in which the baseline tracks a file is scrubbed, and none is put over one', async () => {
  const tracking = await makeRepository(workspace, user, files);
  put(tracking, 'node_modules/tracked', 'tracked\n');
  await git(tracking, user, ['add', '--force', 'node_modules/tracked']);
  await git(tracking, user, ['commit', '-q', '-m', 'tracked']);
  await leaveWarm(tracking);
  assertNoneWarm(tracking);
  await assertAsNew(tracking);

  const root = await makeRepository(workspace, user, files);
  await leaveWarm(root);
  put(root, 'node_modules/tracked', 'tracked\n');
  await git(root, user, ['add', '--force', 'node_modules/tracked']);
  await assertAsNew(root);
});

test('none is put where its way is gone, or is a symbolic link by now', async () => {
  for (const change of [
    (root: string) => rmSync(join(root, 'packages'), { recursive: true }),
    (root: string) => {
      renameSync(join(root, 'packages'), join(root, 'moved'));
      symlinkSync('moved', join(root, 'packages'));
    },
  ]) {
    const root = await makeRepository(workspace, user, files);
    const first = await makeWarm(root);
    put(first.path, 'packages/a/node_modules/y', 'y\n');
    assert.equal(await release(first), 'kept');
    change(root);
    await git(root, user, ['add', '--all']);
    await assertAsNew(root);
  }
});

test("the caller's own files, which `.worktreeinclude` names, come instead of a warm directory", async () => {
  const root = await makeRepository(workspace, user, { ...files, '.worktreeinclude': 'node_modules/own\n' });
  await leaveWarm(root);
  put(root, 'node_modules/own', 'own\n');
  const next = await makeWarm(root);
  assert.deepEqual(readdirSync(join(next.path, 'node_modules')), ['own']);
  install(next.path);
  assert.equal(await release(next), 'kept');
  rmSync(join(root, 'node_modules'), { recursive: true });
  await assertAsNew(root);
});

test('none is put where the baseline has a file, although the patch that a job goes on from deleted it', async () => {
  const root = await makeRepository(workspace, user, files);
  await leaveWarm(root);
  put(root, 'node_modules/x/index.js', 'tracked\n');
  await git(root, user, ['add', '--force', 'node_modules']);
  await git(root, user, ['commit', '-q', '-m', 'tracked']);
  const first = planFor(workspace, root, user);
  const worktree = await make(first);
  rmSync(join(worktree.path, 'node_modules'), { recursive: true });
  const { patch, report } = await capture(workspace, worktree, user);
  const file = join(workspace, `patch-${first.slot}`);
  writeFileSync(file, patch);
  const next = await makeWarm(root, {
    continues: {
      baselineCommit: worktree.baselineCommit,
      keptObjects: first.keptObjects,
      patch: { file, bytes: report.bytes, sha256: report.sha256 },
    },
  });
  assert.equal(existsSync(join(next.path, 'node_modules')), false);
  assert.ok((await capture(workspace, next, user)).patch.equals(patch));
});

test('nothing is kept unless it was asked for, none is put back after the setting was taken away, and none beside overlays', async () => {
  const root = await makeRepository(workspace, user, files);
  for (const unwanted of [[], ['other'], ['node_modules/x']]) {
    const first = await makeWarm(root);
    install(first.path);
    assert.equal(await release(first, { warmPaths: unwanted }), 'kept');
    await assertAsNew(root);
  }
  const overlaid = await makeWarm(root);
  install(overlaid.path);
  assert.equal(await release(overlaid, { overlay: true, warmSlots: 0 }), 'kept');
  const lower = join(slotOf(overlaid), '../../lower');
  const [tree = ''] = readdirSync(lower);
  assert.deepEqual(readdirSync(join(lower, tree)).sort(), ['index', 'stamps.json', 'wt']);
  assert.deepEqual(Object.keys(snapshot(join(lower, tree, 'wt'))).sort(), Object.keys(files).sort());
  await leaveWarm(root);
  await assertAsNew(root, { warmPaths: [] });
});

test('a slot that has warm directories is proven as new in all else', async () => {
  const root = await makeRepository(workspace, user, files);
  const first = await makeWarm(root);
  install(first.path);
  const tree = (await git(root, user, ['mktree'])).toString().trim();
  const other = (await git(root, user, ['commit-tree', '-m', 'other', tree])).toString().trim();
  assert.equal(await release(first, { baselineCommit: other }), 'removed');
});

const makeWarm = (root: string, more: Partial<PlannedWorktree> = {}) =>
  make(planFor(workspace, root, user, { warm: true, warmPaths, ...more }));

const install = (root: string) => put(root, 'node_modules/x/index.js', 'x\n');

async function leaveWarm(root: string): Promise<void> {
  const first = await makeWarm(root);
  install(first.path);
  assert.equal(await release(first), 'kept');
}

function replace(root: string, make: () => void): void {
  rmSync(join(root, 'node_modules'), { recursive: true });
  make();
}

const release = (worktree: MadeWorktree, more: Partial<ReleasePlan> = {}) =>
  releaseSlot(worktree, user, { warmPaths, ...more });

/** The next job finds what a job in a new slot finds, and its patch is empty. */
async function assertAsNew(root: string, more: Partial<PlannedWorktree> = {}): Promise<void> {
  const next = await makeWarm(root, more);
  const fresh = await make(planFor(workspace, root, user));
  assert.deepEqual(snapshot(next.path, isGit), snapshot(fresh.path, isGit));
  assert.equal((await capture(workspace, next, user)).patch.length, 0);
}

/** The one idle slot of a repository. */
function idleSlot(root: string): string {
  const repositories = join(workspace, 'repositories');
  const name = root.slice(root.lastIndexOf('/') + 1);
  const repository = readdirSync(repositories).find((each) => each.startsWith(name)) ?? '';
  const [slot = ''] = readdirSync(join(repositories, repository, 'idle'));
  return join(repositories, repository, 'idle', slot);
}

const assertNoneWarm = (root: string) =>
  assert.deepEqual(readdirSync(idleSlot(root)).sort(), ['index', 'stamps.json', 'wt']);

/** Bytes and inodes, as the pool counts them. */
const sizesOf = (slot: string): number[] =>
  slot
    .slice(slot.lastIndexOf('/') + 1)
    .split('_')
    .slice(3, 5)
    .map(Number);

function canFlag(): boolean {
  mkdirSync(join(workspace, 'flagged'));
  return succeeds(() => execFileSync('chattr', ['+A', join(workspace, 'flagged')], { stdio: 'ignore' }));
}

function canSetAccessList(): boolean {
  mkdirSync(join(workspace, 'listed'));
  return succeeds(() => setAccessList(join(workspace, 'listed')));
}

function succeeds(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/** The form of acl(5) in the kernel: version 2, then tag, permissions and no id, of owner, group and others. */
function setAccessList(path: string): void {
  const program =
    'import os, struct, sys; entry = lambda tag: struct.pack("<HHI", tag, 7, 0xffffffff); os.setxattr(sys.argv[1], "system.posix_acl_default", struct.pack("<I", 2) + entry(1) + entry(4) + entry(32))';
  execFileSync('python3', ['-c', program, path], { stdio: 'ignore' });
}
