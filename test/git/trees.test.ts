import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ObjectPack } from '../../src/git/object-pack.js';
import { addTrees, type TreeFile } from '../../src/git/trees.js';
import { git, makeRepository, makeUser, makeWorkspace } from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);

test('files get the trees that git would make of them', async () => {
  // Directories are sorted as if their names ended with a slash, and names by their bytes.
  const names = [
    'a',
    'a-b',
    'a.b/c',
    'a0',
    'B/d',
    'B.d',
    'z/y/x/w',
    'z/y.x',
    'z/y0',
    'caf\u00e9',
    '\u65e5/\u672c',
  ];
  const root = await makeRepository(
    workspace,
    user,
    Object.fromEntries(names.map((name) => [name, `${name}\n`])),
  );
  const listed = (await git(root, user, ['ls-files', '--stage', '-z']))
    .toString('latin1')
    .split('\0')
    .slice(0, -1);
  const files = new Map<string, TreeFile>();
  for (const record of listed.reverse()) {
    const [mode = '', id = ''] = record.split(' ');
    files.set(record.slice(record.indexOf('\t') + 1), { mode, id });
  }
  const pack = new ObjectPack(20);
  const tree = addTrees(files, pack);
  assert.equal(tree, (await git(root, user, ['write-tree'])).toString().trim());
  pack.place(join(root, '.git/objects'));
  await git(root, user, ['fsck', '--strict']);
});

test('no files are the empty tree', () => {
  assert.equal(addTrees(new Map(), new ObjectPack(20)), '4b825dc642cb6eb9a060e54bf8d69288fbee4904');
});

for (const paths of [
  ['a', 'a/b'],
  ['a/b', 'a'],
  ['a/b/c', 'a/b'],
]) {
  test(`there are no trees for a file in the place of a directory: ${paths.join(' and ')}`, () => {
    const file = { mode: '100644', id: '0'.repeat(40) };
    assert.equal(addTrees(new Map(paths.map((path) => [path, file])), new ObjectPack(20)), null);
  });
}
