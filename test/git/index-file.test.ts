import assert from 'node:assert/strict';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readIndex } from '../../src/git/index-file.js';
import { git, makeRepository, makeUser, makeWorkspace, put } from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);

for (const [format, idBytes] of [
  ['sha1', 20],
  ['sha256', 32],
] as const) {
  test(`an index of ${format} is read as git reads it`, async () => {
    const root = await makeRepository(workspace, user, { 'a.txt': 'one\n' }, [`--object-format=${format}`]);
    for (let length = 1; length < 40; length += 1) put(root, `dir/${'x'.repeat(length)}`, 'y'.repeat(length));
    put(root, 'l'.repeat(250), '');
    symlinkSync('a.txt', join(root, 'link'));
    await git(root, user, ['add', '-A']);
    const index = readIndex(readFileSync(join(root, '.git/index')), idBytes);
    assert.ok(index);
    const listed = (await git(root, user, ['ls-files', '-z'])).toString('latin1').split('\0').slice(0, -1);
    assert.deepEqual(index.paths(), listed);
    assert.equal(index.sizes()[listed.indexOf('a.txt')], 4);
    assert.deepEqual(index.odd(), []);
    assert.deepEqual(index.changedSince(0), listed);
    assert.deepEqual(index.changedSince(2 ** 32 - 1), []);
  });
}

test('paths are found by their last part alone, whatever else holds its bytes', async () => {
  const named = ['.rules', 'b/.rules', 'b/c/.rules'];
  const others = ['.rules.txt', 'a.rules', 'b/.rules.d/x', 'x.rules/y'];
  const files = Object.fromEntries([...named, ...others].map((path) => [path, '']));
  const root = await makeRepository(workspace, user, files);
  assert.deepEqual(readIndex(readFileSync(join(root, '.git/index')), 20)?.named('.rules'), named);
});

test('what is searched in an index is found as in the list of all its paths', async () => {
  const paths = ['a', 'b-c/x', 'b.c', 'b/c', 'b/c.d', 'b/d/e', 'b0', 'c/\u00e9', 'c/~', 'd'];
  const files = Object.fromEntries(paths.map((path) => [path, '']));
  const root = await makeRepository(workspace, user, files);
  const index = readIndex(readFileSync(join(root, '.git/index')), 20);
  assert.ok(index);
  const all = index.paths();
  assert.equal(all.length, paths.length);
  const beginnings = all.flatMap((path) => [...path].map((_, length) => path.slice(0, length)));
  for (const sought of ['', ...all, ...beginnings, ...all.map((path) => `${path}/`), 'b/c0', 'zz']) {
    const expected = all.filter((path) => path.startsWith(sought));
    assert.deepEqual(index.startingWith(sought), expected, sought);
    assert.equal(index.hasStartingWith(sought), expected.length > 0, sought);
    if (sought !== '') assert.equal(index.has(sought), all.includes(sought), sought);
  }
});

const special: [string, string[]][] = [
  ['assume-unchanged', ['update-index', '--assume-unchanged', 'a.txt']],
  ['skip-worktree', ['update-index', '--skip-worktree', 'a.txt']],
];

for (const [title, command] of special) {
  test(`an entry that is ${title} is told`, async () => {
    const root = await makeRepository(workspace, user);
    await git(root, user, command);
    const odd = readIndex(readFileSync(join(root, '.git/index')), 20)?.odd() ?? [];
    assert.deepEqual(
      odd.map(({ path, assumed, skipped }) => ({ path, assumed, skipped })),
      [{ path: 'a.txt', assumed: title === 'assume-unchanged', skipped: title === 'skip-worktree' }],
    );
  });
}

test('an index of another version, a split one and a damaged one are not read', async () => {
  const root = await makeRepository(workspace, user);
  const index = readFileSync(join(root, '.git/index'));
  assert.equal(readIndex(Buffer.alloc(0), 20), null);
  for (let length = 1; length < index.length; length += 7) {
    assert.equal(readIndex(index.subarray(0, length), 20), null);
  }
  for (const command of [
    ['update-index', '--index-version', '4'],
    ['update-index', '--split-index'],
  ]) {
    await git(root, user, command);
    assert.equal(readIndex(readFileSync(join(root, '.git/index')), 20), null);
  }
});
