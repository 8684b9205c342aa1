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
    const entries = readIndex(readFileSync(join(root, '.git/index')), idBytes)?.entries ?? [];
    const listed = (await git(root, user, ['ls-files', '-z'])).toString('latin1').split('\0').slice(0, -1);
    assert.deepEqual(
      entries.map(({ path }) => path),
      listed,
    );
    assert.deepEqual(entries.find(({ path }) => path === 'a.txt')?.bytes, 4);
    assert.deepEqual(
      entries.filter(({ kind }) => kind === 'link').map(({ path }) => path),
      ['link'],
    );
    assert.equal(
      entries.some(({ special }) => special),
      false,
    );
  });
}

const special: [string, string[]][] = [
  ['assume-unchanged', ['update-index', '--assume-unchanged', 'a.txt']],
  ['skip-worktree', ['update-index', '--skip-worktree', 'a.txt']],
];

for (const [title, command] of special) {
  test(`an entry that is ${title} is told`, async () => {
    const root = await makeRepository(workspace, user);
    await git(root, user, command);
    const entries = readIndex(readFileSync(join(root, '.git/index')), 20)?.entries ?? [];
    assert.deepEqual(
      entries.map((entry) => entry.special),
      [true],
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
