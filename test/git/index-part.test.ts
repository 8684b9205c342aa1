import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readIndex } from '../../src/git/index-file.js';
import { partOfIndex } from '../../src/git/index-part.js';
import { git, makeRepository, makeUser, makeWorkspace, put } from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const files = { 'a.txt': 'one\n', 'b.txt': 'two\n', 'dir/c.txt': 'three\n', 'dir.d': 'four\n' };

for (const [format, idBytes] of [
  ['sha1', 20],
  ['sha256', 32],
] as const) {
  test(`git finds in a part of an index of ${format} the entries of its paths, and takes their files for changed`, async () => {
    const root = await makeRepository(workspace, user, files, [`--object-format=${format}`]);
    put(root, `deep/${'l'.repeat(250)}`, 'deep\n');
    await git(root, user, ['add', '-A']);
    await git(root, user, ['update-index', '--skip-worktree', 'b.txt']);
    const whole = await listed(root, user);
    const index = readIndex(readFileSync(join(root, '.git/index')), idBytes);
    assert.ok(index);
    const wanted = whole.filter((line) => !line.endsWith('\ta.txt'));
    const paths = ['nowhere', 'dir', ...wanted.map((line) => line.slice(line.indexOf('\t') + 1)), 'b.txt'];
    writeFileSync(join(root, '.git/part'), partOfIndex(index, paths));
    const environment = { ...user, GIT_INDEX_FILE: join(root, '.git/part') };
    assert.deepEqual(await listed(root, environment), wanted);
    const changed = (await git(root, environment, ['diff-files', '--name-only'])).toString().split('\n');
    assert.equal(changed.length, wanted.length, 'All but the one that git is not to look at.');
    await git(root, environment, ['update-index', '--refresh']);
    assert.equal((await git(root, environment, ['diff-files', '--name-only'])).toString(), '');
  });
}

test('a part of no entries is an empty index', async () => {
  const root = await makeRepository(workspace, user, files);
  const index = readIndex(readFileSync(join(root, '.git/index')), 20);
  assert.ok(index);
  writeFileSync(join(root, '.git/part'), partOfIndex(index, []));
  assert.deepEqual(await listed(root, { ...user, GIT_INDEX_FILE: join(root, '.git/part') }), []);
});

const listed = async (root: string, environment: Record<string, string>): Promise<string[]> =>
  (await git(root, environment, ['ls-files', '--stage', '-v'])).toString().split('\n').slice(0, -1);
