import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MadeWorktree } from '../../src/git/worktree.js';
import {
  capture,
  git,
  handOver,
  make,
  makeRepository,
  makeUser,
  makeWorkspace,
  type PlannedWorktree,
  planFor,
  put,
  snapshot,
} from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);

/** What the next job takes over, once the agent has put a link to a directory of the caller in the place of another. */
async function leaveLink(plan: PlannedWorktree, worktree: MadeWorktree, target: string) {
  rmSync(join(worktree.path, 'libs'), { recursive: true });
  symlinkSync(target, join(worktree.path, 'libs'));
  return handOver(workspace, plan, worktree, user);
}

test('no submodule is checked out behind a link that an earlier patch put in its way', async () => {
  const inner = await makeRepository(workspace, user, { 'a.txt': 'inner\n' });
  const root = await makeRepository(workspace, user, { 'a.txt': 'outer\n' });
  const add = ['submodule', '--quiet', 'add', inner, 'libs/inner'];
  await git(root, user, ['-c', 'protocol.file.allow=always', ...add]);
  await git(root, user, ['commit', '-qm', 'submodule']);
  put(root, 'libs/inner/a.txt', 'not committed\n');
  const before = snapshot(root);
  const first = planFor(workspace, root, user);
  const continues = await leaveLink(first, await make(first), join(root, 'libs'));
  const next = await make(planFor(workspace, root, user, { continues }));
  assert.deepEqual(snapshot(root), before);
  assert.deepEqual((await capture(workspace, next, user)).report.bytes, continues.patch.bytes);
});

test('no content of git-lfs is put behind a link that an earlier patch put in its way', async () => {
  const content = 'large content';
  const oid = createHash('sha256').update(content).digest('hex');
  const root = await makeRepository(workspace, user, {
    '.gitattributes': '*.bin filter=lfs -text\n',
    'libs/big.bin': `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`,
  });
  put(root, `.git/lfs/objects/${oid.slice(0, 2)}/${oid.slice(2, 4)}/${oid}`, content);
  const before = snapshot(root);
  const first = planFor(workspace, root, user);
  const continues = await leaveLink(first, await make(first), join(root, 'libs'));
  const next = await make(planFor(workspace, root, user, { continues }));
  assert.deepEqual(snapshot(root), before);
  assert.deepEqual((await capture(workspace, next, user)).report.bytes, continues.patch.bytes);
});
