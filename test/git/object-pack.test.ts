import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ObjectPack } from '../../src/git/object-pack.js';
import { git, makeRepository, makeUser, makeWorkspace } from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
/** Around the sizes at which a header takes one more byte, and over that of one block of what is not compressed. */
const sizes = [0, 1, 15, 16, 2_047, 2_048, 65_535, 65_536, 300_000];

for (const [format, idBytes] of [
  ['sha1', 20],
  ['sha256', 32],
] as const) {
  test(`git finds in a pack what was put into it, in a repository of ${format}`, async () => {
    const root = await makeRepository(workspace, user, {}, [`--object-format=${format}`]);
    const objects = join(root, '.git/objects');
    const pack = new ObjectPack(idBytes);
    const contents = sizes.map((size) => Buffer.alloc(size, `${size}\0`));
    const ids = contents.map((content) => pack.add('blob', content));
    const tree = Buffer.concat([Buffer.from('100644 file\0'), Buffer.from(ids[1] ?? '', 'hex')]);
    const treeId = pack.add('tree', tree);
    assert.equal(pack.add('blob', contents[3] ?? Buffer.alloc(0)), ids[3], 'The same is the same object.');
    pack.place(objects);
    for (const [at, id] of ids.entries()) {
      assert.ok((await git(root, user, ['cat-file', 'blob', id])).equals(contents[at] ?? Buffer.alloc(1)));
    }
    assert.match((await git(root, user, ['ls-tree', treeId])).toString(), new RegExp(`blob ${ids[1]}\tfile`));
    const [name = ''] = readdirSync(join(objects, 'pack')).filter((each) => each.endsWith('.idx'));
    const verified = await git(root, user, ['verify-pack', '-v', join(objects, 'pack', name)]);
    assert.equal(verified.toString().match(/^[0-9a-f]+ (blob|tree)/gm)?.length, sizes.length + 1);
    await git(root, user, ['fsck', '--strict', '--no-dangling']);
  });
}

test('a pack is put into its place again, and leaves nothing else', async () => {
  const root = await makeRepository(workspace, user, {});
  const objects = join(root, '.git/objects');
  const pack = new ObjectPack(20);
  const id = pack.add('blob', Buffer.from('content'));
  pack.place(objects);
  pack.place(objects);
  assert.deepEqual(
    readdirSync(join(objects, 'pack'))
      .map((name) => name.replace(/.*\./, ''))
      .sort(),
    ['idx', 'pack'],
  );
  assert.equal((await git(root, user, ['cat-file', 'blob', id])).toString(), 'content');
});

test('a pack of nothing disturbs no git', async () => {
  const root = await makeRepository(workspace, user, { file: 'one\n' });
  new ObjectPack(20).place(join(root, '.git/objects'));
  await git(root, user, ['fsck', '--strict']);
});
