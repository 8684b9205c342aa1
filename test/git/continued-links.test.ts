import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  capture,
  git,
  handOver,
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

/**
 * Makes a worktree for a job that goes on from one whose agent put a link to the caller's `libs` in the place of its
 * own, and checks that nothing was written through it.
 */
async function goOnPastLink(root: string): Promise<void> {
  const before = snapshot(root);
  const first = planFor(workspace, root, user);
  const worktree = await make(first);
  rmSync(join(worktree.path, 'libs'), { recursive: true });
  symlinkSync(join(root, 'libs'), join(worktree.path, 'libs'));
  const continues = await handOver(workspace, first, worktree, user);
  const next = await make(planFor(workspace, root, user, { continues }));
  assert.deepEqual(snapshot(root), before);
  assert.equal((await capture(workspace, next, user)).report.bytes, continues.patch.bytes);
}

test('no submodule is checked out behind a link that an earlier patch put in its way', async () => {
  const inner = await makeRepository(workspace, user, { 'a.txt': 'inner\n' });
  const root = await makeRepository(workspace, user, { 'a.txt': 'outer\n' });
  const add = ['submodule', '--quiet', 'add', inner, 'libs/inner'];
  await git(root, user, ['-c', 'protocol.file.allow=always', ...add]);
  await git(root, user, ['commit', '-qm', 'submodule']);
  put(root, 'libs/inner/a.txt', 'not committed\n');
  await goOnPastLink(root);
});

test('no content of git-lfs is put behind a link that an earlier patch put in its way', async () => {
  const content = 'large content';
  const oid = createHash('sha256').update(content).digest('hex');
  const root = await makeRepository(workspace, user, {
    '.gitattributes': '*.bin filter=lfs -text\n',
    'libs/big.bin': `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`,
  });
  put(root, `.git/lfs/objects/${oid.slice(0, 2)}/${oid.slice(2, 4)}/${oid}`, content);
  await goOnPastLink(root);
});
