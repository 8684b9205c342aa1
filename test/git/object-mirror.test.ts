import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { linkObjects } from '../../src/git/object-mirror.js';
import { removeWorktree } from '../../src/git/removal.js';
import { trimPool } from '../../src/git/slot-pool.js';
import { makeWorktree } from '../../src/git/worktree.js';
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
  slotOf,
  snapshot,
} from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);

/** Has git forget the commit that HEAD was at, objects and all. */
async function dropHead(root: string): Promise<void> {
  await git(root, user, [
    'update-ref',
    'HEAD',
    (await git(root, user, ['rev-parse', 'HEAD~1'])).toString().trim(),
  ]);
  await git(root, user, ['read-tree', 'HEAD']);
  await git(root, user, ['reflog', 'expire', '--expire=now', '--all']);
  await git(root, user, ['gc', '-q', '--prune=now']);
}

async function makeHistory(packed: boolean): Promise<string> {
  const root = await makeRepository(workspace, user, { 'a.txt': 'one\n' });
  put(root, 'a.txt', 'two\n');
  put(root, 'b.txt', 'only in the second\n');
  await git(root, user, ['add', '-A']);
  await git(root, user, ['commit', '-qm', 'second']);
  if (packed) await git(root, user, ['gc', '-q']);
  return root;
}

for (const packed of [false, true]) {
  test(`a caller who drops the baseline and prunes it breaks no job, with ${packed ? 'packed' : 'loose'} objects`, async () => {
    const root = await makeHistory(packed);
    put(root, 'a.txt', 'uncommitted\n');
    const worktree = await make(planFor(workspace, root, user));
    await dropHead(root);
    put(worktree.path, 'a.txt', 'by the agent\n');
    rmSync(join(worktree.path, 'b.txt'));
    await git(worktree.path, user, ['commit', '-qam', 'work']);
    assert.equal((await git(worktree.path, user, ['log', '--format=%s'])).toString().split('\n').length, 5);
    const { patch } = await capture(workspace, worktree, user);
    assert.match(patch.toString(), /^-uncommitted\n\+by the agent$/m);
    assert.deepEqual(await applied(workspace, worktree, user, patch), snapshot(worktree.path));
    await git(root, user, ['fsck', '--strict']);
  });
}

const memory = '/dev/shm';
const isAnotherDisk = existsSync(memory) && statSync(memory).dev !== statSync(workspace).dev;

test('on another disk, where hard links are impossible, the loss of the baseline is survived as well', {
  skip: !isAnotherDisk,
}, async () => {
  const repositoriesDirectory = mkdtempSync(join(memory, 'offshoot-'));
  try {
    const root = await makeHistory(true);
    put(root, 'a.txt', 'uncommitted\n');
    const worktree = await make(planFor(workspace, root, user, { repositoriesDirectory }));
    assert.equal(existsSync(join(slotOf(worktree), 'mirror/pack')), true);
    await dropHead(root);
    put(worktree.path, 'a.txt', 'by the agent\n');
    await git(worktree.path, user, ['status']);
    const { patch } = await capture(workspace, worktree, user);
    assert.match(patch.toString(), /^-uncommitted\n\+by the agent$/m);
    assert.deepEqual(await applied(workspace, worktree, user, patch), snapshot(worktree.path));
  } finally {
    rmSync(repositoriesDirectory, { recursive: true });
  }
});

test('what a repository borrows from another is there for its job when the other is gone, as when the job that it lies in ends', async () => {
  const root = await makeHistory(true);
  const outer = await make(planFor(workspace, root, user));
  put(outer.path, 'a.txt', 'by the outer agent\n');
  const inner = await make(planFor(workspace, outer.path, user));
  put(inner.path, 'b.txt', 'by the inner agent\n');
  await removeWorktree(slotOf(outer));
  const { patch, files } = await capture(workspace, inner, user);
  assert.deepEqual(
    files.map(({ path }) => path),
    ['b.txt'],
  );
  assert.deepEqual(await applied(workspace, inner, user, patch), snapshot(inner.path, isGit));
});

test('the mirror of a repository that is gone, as that of an ended job, goes when no slot borrows from it', async () => {
  const outer = await make(planFor(workspace, await makeHistory(true), user));
  const inner = await make(planFor(workspace, outer.path, user));
  const mirrorsAfterTrim = async (of: typeof outer) => {
    await trimPool(join(workspace, 'repositories'), { warmSlots: 1, overlay: false });
    return readdirSync(join(slotOf(of), '../../mirrors')).length;
  };
  await removeWorktree(slotOf(outer));
  assert.equal(await mirrorsAfterTrim(inner), 1, 'it is in use');
  await removeWorktree(slotOf(inner));
  assert.equal(await mirrorsAfterTrim(inner), 0);
  assert.equal(await mirrorsAfterTrim(outer), 1, 'its repository is there');
});

/** A clone that borrows from a clone that borrows from a third, each with a commit of its own on top. */
async function makeBorrowers(): Promise<[lender: string, between: string, borrower: string]> {
  const lender = await makeHistory(true);
  const between = mkdtempSync(join(workspace, 'between-'));
  const borrower = mkdtempSync(join(workspace, 'borrower-'));
  for (const [from, to] of [
    [lender, between],
    [between, borrower],
  ] as const) {
    await git(workspace, user, ['clone', '-q', '--shared', from, to]);
    put(to, 'a.txt', `of ${to}\n`);
    await git(to, user, ['commit', '-qam', 'own']);
  }
  return [lender, between, borrower];
}

test('a job in a clone that borrows packs nothing, and outlives the objects of all that lend', async () => {
  const repositories = await makeBorrowers();
  const [lender, , borrower] = repositories;
  put(borrower, 'a.txt', 'uncommitted\n');
  const worktree = await make(planFor(workspace, borrower, user));
  assert.equal(existsSync(join(slotOf(worktree), 'mirror')), false);
  for (const root of repositories.toReversed()) await dropHead(root);
  await assert.rejects(git(lender, user, ['cat-file', '-e', `${worktree.headCommit}~2`]));
  put(worktree.path, 'a.txt', 'by the agent\n');
  rmSync(join(worktree.path, 'b.txt'));
  await git(worktree.path, user, ['commit', '-qam', 'work']);
  for (const root of repositories) rmSync(root, { recursive: true });
  await git(worktree.path, user, ['fsck', '--strict']);
  const { patch } = await capture(workspace, worktree, user);
  assert.match(patch.toString(), /^-uncommitted\n\+by the agent$/m);
  assert.deepEqual(await applied(workspace, worktree, user, patch), snapshot(worktree.path, isGit));
});

test('a mirror of a clone that borrows serves until a lender drops a pack, or there are others', async () => {
  const [lender, between, borrower] = await makeBorrowers();
  const first = await make(planFor(workspace, borrower, user));
  const mirrors = join(slotOf(first), '../../mirrors');
  // Of the lender the borrower has it by now, in the index only: so it is added to the mirror.
  put(lender, 'c.txt', 'third\n');
  await git(lender, user, ['add', '-A']);
  put(borrower, 'c.txt', 'third\n');
  await git(borrower, user, ['add', '-A']);
  const second = await make(planFor(workspace, borrower, user));
  assert.equal(readdirSync(mirrors).length, 1);
  await git(lender, user, ['commit', '-qm', 'third']);
  await git(lender, user, ['gc', '-q']);
  const third = await make(planFor(workspace, borrower, user));
  assert.equal(readdirSync(mirrors).length, 2);
  const other = await makeHistory(true);
  const list = join(between, '.git/objects/info/alternates');
  writeFileSync(list, `${join(lender, '.git/objects')}\n${join(other, '.git/objects')}\n`);
  const fourth = await make(planFor(workspace, borrower, user));
  assert.equal(readdirSync(mirrors).length, 3);
  for (const root of [lender, between, borrower, other]) rmSync(root, { recursive: true });
  for (const { path } of [first, second, third, fourth]) await git(path, user, ['fsck']);
});

test('what a lender dropped is kept for no job in a clone on another disk, whose own objects cannot be linked', {
  skip: !isAnotherDisk,
}, async () => {
  const lender = await makeHistory(true);
  const borrower = mkdtempSync(join(memory, 'offshoot-'));
  try {
    await git(workspace, user, ['clone', '-q', '--shared', lender, borrower]);
    put(borrower, 'a.txt', 'own\n');
    await git(borrower, user, ['commit', '-qam', 'own']);
    const first = await make(planFor(workspace, borrower, user));
    await removeWorktree(slotOf(first));
    put(lender, 'c.txt', 'third\n');
    await git(lender, user, ['add', '-A']);
    await git(lender, user, ['commit', '-qm', 'third']);
    await git(lender, user, ['gc', '-q']);
    const second = await make(planFor(workspace, borrower, user));
    assert.equal(existsSync(join(slotOf(second), 'mirror/pack')), true);
    assert.equal(readdirSync(join(slotOf(second), '../../mirrors')).length, 1);
    assert.deepEqual(snapshot(second.path, isGit), snapshot(borrower, isGit));
  } finally {
    rmSync(borrower, { recursive: true });
  }
});

test('a sparse partial clone that borrows from another repository gets the files that it has', async () => {
  const origin = await makeRepository(workspace, user, { 'a.txt': 'one\n', 'away/b.txt': 'elsewhere\n' });
  await git(origin, user, ['config', 'uploadpack.allowFilter', 'true']);
  const other = await makeRepository(workspace, user, { 'other.txt': 'other\n' });
  const root = join(workspace, 'partial');
  const filter = ['--filter=blob:none', '--sparse', '--reference', other];
  await git(workspace, user, ['clone', '-q', ...filter, `file://${origin}`, root]);
  const worktree = await make(planFor(workspace, root, user));
  assert.deepEqual(snapshot(worktree.path, isGit), snapshot(root, isGit));
  put(worktree.path, 'a.txt', 'by the agent\n');
  const { files } = await capture(workspace, worktree, user);
  assert.deepEqual(
    files.map(({ path }) => path),
    ['a.txt'],
  );
});

test('objects that are moved away while they are linked are not taken for all linked', async () => {
  const from = mkdtempSync(join(workspace, 'objects-'));
  for (let number = 16; number < 64; number += 1) put(from, `${number.toString(16)}/${'0'.repeat(38)}`, '');
  const linking = linkObjects(from, join(workspace, 'links'));
  renameSync(from, `${from}-moved`);
  assert.equal(await linking, false);
});

test('a pipe among the objects of the caller is told of, and once it is gone nothing of it is left', {
  timeout: 60_000,
}, async () => {
  const root = await makeHistory(false);
  const id = (await git(root, user, ['rev-parse', 'HEAD:a.txt'])).toString().trim();
  const object = join('.git/objects', id.slice(0, 2), id.slice(2));
  renameSync(join(root, object), join(root, 'aside'));
  await execa('mkfifo', [join(root, object)]);
  const refused = await makeWorktree(planFor(workspace, root, user));
  assert.match(refused.ok ? '' : refused.fault.message, new RegExp(`${object}" is a named pipe`));
  renameSync(join(root, 'aside'), join(root, object));
  const worktree = await make(planFor(workspace, root, user));
  assert.deepEqual(snapshot(worktree.path, isGit), snapshot(root, isGit));
});

test('one mirror serves all jobs, follows the caller, and is replaced when their packs are', async () => {
  const root = await makeHistory(false);
  const first = await make(planFor(workspace, root, user));
  const mirrors = join(slotOf(first), '../../mirrors');
  put(root, 'c.txt', 'third\n');
  await git(root, user, ['add', '-A']);
  await git(root, user, ['commit', '-qm', 'third']);
  const second = await make(planFor(workspace, root, user));
  assert.equal(readdirSync(mirrors).length, 1);
  await git(root, user, ['gc', '-q']);
  const third = await make(planFor(workspace, root, user));
  put(root, 'd.txt', 'fourth\n');
  await git(root, user, ['add', '-A']);
  await git(root, user, ['commit', '-qm', 'fourth']);
  await git(root, user, ['repack', '-qad']);
  const fourth = await make(planFor(workspace, root, user));
  assert.equal(readdirSync(mirrors).length, 2);
  for (const worktree of [first, second, third]) await removeWorktree(slotOf(worktree));
  // Nobody knows what this one borrows from.
  const unreadable = join(slotOf(first), '../unreadable');
  mkdirSync(join(unreadable, 'borrowed'), { recursive: true });
  await removeWorktree(slotOf(await make(planFor(workspace, root, user))));
  assert.equal(readdirSync(mirrors).length, 2);
  rmSync(unreadable, { recursive: true });
  const fifth = await make(planFor(workspace, root, user));
  assert.equal(readdirSync(mirrors).length, 1);
  for (const { path } of [fourth, fifth]) await git(path, user, ['fsck']);
});
