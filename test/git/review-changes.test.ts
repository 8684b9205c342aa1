import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findAgentChanges } from '../../src/git/agent-changes.js';
import { type ChangesPlan, takeReviewChanges } from '../../src/git/review-changes.js';
import { findRangeStart, type RangePlan } from '../../src/git/review-range.js';
import {
  expectValue,
  git,
  make,
  makeRepository,
  makeUser,
  makeWorkspace,
  planFor,
  put,
  slotOf,
} from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const { signal } = new AbortController();

/** What a reviewer of the uncommitted changes of a checkout is given. */
async function review(root: string, more: Partial<ChangesPlan> = {}) {
  const made = await make(planFor(workspace, root, user, { includeUntracked: true }));
  const changesFile = join(slotOf(made), 'changes');
  const taken = expectValue(
    await takeReviewChanges({
      slotDirectory: slotOf(made),
      from: made.headCommit,
      to: made.baselineCommit,
      paths: [],
      left: made.left,
      changesFile,
      environment: user,
      signal,
      ...more,
    }),
  );
  return { made, ...taken, changes: readFileSync(changesFile, 'latin1') };
}

async function rangeStart(root: string, more: Partial<RangePlan>): Promise<string> {
  const made = await make(planFor(workspace, root, user, { uncommitted: false }));
  const { baselineCommit, headCommit } = made;
  const place = { slotDirectory: slotOf(made), workspaceRoot: root, baselineCommit, headCommit };
  const plan = { scope: 'commit' as const, ref: 'HEAD', environment: user, signal, ...place };
  return expectValue(await findRangeStart({ ...plan, ...more }));
}

test('whole files are given up to 256 KiB together and 128 KiB each, and the others are named', async () => {
  const lines = (kibibytes: number) => 'long enough\n'.repeat((kibibytes * 1024) / 12);
  const root = await makeRepository(workspace, user);
  for (const name of ['1', '2', '3']) put(root, name, lines(90));
  put(root, '4', lines(130));
  put(root, '5', 'short\n');
  const { filesChanged, reviewed, omitted, changes } = await review(root);
  assert.equal(filesChanged, 5);
  assert.deepEqual(
    reviewed.map(({ path }) => path),
    ['1', '2', '5'],
  );
  assert.deepEqual(omitted, [
    { path: '3', reason: 'over_the_bound' },
    { path: '4', reason: 'too_large' },
  ]);
  assert.ok(changes.length <= 256 * 1024);
  assert.deepEqual(reviewed[2]?.lines, [[1, 1]]);
});

test('pointers of git-lfs are named, and say nothing to a reviewer', async () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 1\n`;
  const root = await makeRepository(workspace, user);
  put(root, 'big.bin', pointer);
  const { omitted, changes } = await review(root);
  assert.deepEqual(omitted, [{ path: 'big.bin', reason: 'git_lfs' }]);
  assert.equal(changes, '');
});

test('a file that changes its type is given as what goes and what comes', async () => {
  const root = await makeRepository(workspace, user, { 'a.txt': 'one\n', link: 'was a file\n' });
  await git(root, user, ['rm', '-q', '--cached', 'link']);
  await git(root, user, [
    'update-index',
    '--add',
    '--cacheinfo',
    `120000,${await linkTo(root, 'a.txt')},link`,
  ]);
  await git(root, user, ['checkout-index', '-f', 'link']);
  const { filesChanged, reviewed, changes } = await review(root);
  assert.deepEqual([filesChanged, reviewed.map(({ path }) => path)], [1, ['link']]);
  assert.match(changes, /^-was a file$/m);
  assert.match(changes, /^\+a\.txt$/m);
});

const linkTo = async (root: string, target: string): Promise<string> =>
  (await git(root, user, ['hash-object', '-w', '--stdin'], Buffer.from(target))).toString().trim();

test('what could not be carried over belongs to the review where it lies below its paths', async () => {
  const root = await makeRepository(workspace, user);
  put(root, 'a.txt', 'two\n');
  put(root, 'here/b.txt', 'b\n');
  const left = ['here/gone', 'here2/gone', 'there'];
  const { filesChanged, reviewed, omitted } = await review(root, { left, paths: ['here'] });
  assert.equal(filesChanged, 2);
  assert.deepEqual(reviewed, [{ path: 'here/b.txt', lines: [[1, 1]] }]);
  assert.deepEqual(omitted, [{ path: 'here/gone', reason: 'not_carried_over' }]);
});

test('paths are names, not patterns', async () => {
  const root = await makeRepository(workspace, user);
  put(root, 'b.txt', 'b\n');
  put(root, '*.txt', 'star\n');
  const { reviewed } = await review(root, { paths: ['*.txt'] });
  assert.deepEqual(
    reviewed.map(({ path }) => path),
    ['*.txt'],
  );
});

test('a commit is held against its parent, the first against nothing', async () => {
  const root = await makeRepository(workspace, user);
  const first = (await git(root, user, ['rev-parse', 'HEAD'])).toString().trim();
  assert.equal(await rangeStart(root, {}), '4b825dc642cb6eb9a060e54bf8d69288fbee4904');
  await git(root, user, ['commit', '-q', '--allow-empty', '-m', 'second']);
  assert.equal(await rangeStart(root, {}), first);
  assert.equal(await rangeStart(root, { scope: 'branch', ref: first }), first);
});

test('the parent of the last commit of a shallow clone is told as the commit names it', async () => {
  const root = await makeRepository(workspace, user);
  const first = (await git(root, user, ['rev-parse', 'HEAD'])).toString().trim();
  await git(root, user, ['commit', '-q', '--allow-empty', '-m', 'second']);
  const shallow = `${root}-shallow`;
  await git(workspace, user, ['clone', '-q', '--depth=1', `file://${root}`, shallow]);
  assert.equal(await rangeStart(shallow, {}), first);
});

test('files that an agent changed, added and removed are found, and nothing else', async () => {
  const root = await makeRepository(workspace, user, { 'a.txt': 'one\n', 'b.txt': 'b\n', 'c.txt': 'c\n' });
  const { made } = await review(root);
  const find = () => findAgentChanges(slotOf(made), made.baselineCommit, user, signal);
  assert.deepEqual(await find(), []);
  put(made.path, 'a.txt', 'two\n');
  put(made.path, 'new.txt', 'new\n');
  chmodSync(join(made.path, 'b.txt'), 0o755);
  assert.deepEqual((await find()).sort(), ['a.txt', 'b.txt', 'new.txt']);
});
