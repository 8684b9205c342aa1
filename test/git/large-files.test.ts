import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  applied,
  capture,
  git,
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

const oidOf = (content: string) => createHash('sha256').update(content).digest('hex');
const pointerOf = (content: string) =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${oidOf(content)}\nsize ${content.length}\n`;

/** A repository as git-lfs leaves it: pointers in the objects, content in its own store. */
async function makeLargeFiles(stored: readonly string[]): Promise<string> {
  const root = await makeRepository(workspace, user, {
    '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    'big.bin': pointerOf('large content'),
    'dir/other.bin': pointerOf('other content'),
    'pointer.txt': pointerOf('large content'),
    'plain.bin': 'never was a pointer\n',
  });
  for (const content of stored) {
    const oid = oidOf(content);
    put(root, `.git/lfs/objects/${oid.slice(0, 2)}/${oid.slice(2, 4)}/${oid}`, content);
  }
  return root;
}

test('files of git-lfs come with their content, and unchanged they are not in the patch', async () => {
  const root = await makeLargeFiles(['large content', 'other content']);
  const before = snapshot(root);
  const worktree = await make(planFor(workspace, root, user));
  assert.deepEqual(worktree.warnings, []);
  assert.equal(readFileSync(join(worktree.path, 'big.bin'), 'utf8'), 'large content');
  assert.equal(readFileSync(join(worktree.path, 'dir/other.bin'), 'utf8'), 'other content');
  assert.equal(readFileSync(join(worktree.path, 'pointer.txt'), 'utf8'), pointerOf('large content'));
  assert.equal((await git(worktree.path, user, ['status', '--porcelain'])).toString(), '');
  put(worktree.path, 'new.txt', 'x\n');
  const { files, report } = await capture(workspace, worktree, user);
  assert.deepEqual(
    files.map(({ path }) => path),
    ['new.txt'],
  );
  assert.deepEqual(report.warnings, []);
  assert.deepEqual(snapshot(root), before);
});

test('changed content of git-lfs is in the patch whole, with a warning, and the patch applies', async () => {
  const root = await makeLargeFiles(['large content', 'other content']);
  const worktree = await make(planFor(workspace, root, user));
  put(worktree.path, 'big.bin', Buffer.from([0, 1, 2]));
  const { report, patch } = await capture(workspace, worktree, user);
  const result = snapshot(worktree.path, (path) => path === 'dir/other.bin');
  const { 'dir/other.bin': other, ...rest } = await applied(workspace, worktree, user, patch);
  assert.deepEqual(rest, result);
  assert.equal(other, `file ${oidOf(pointerOf('other content'))}`);
  assert.match(report.warnings.join(), /whole content of changed git-lfs files.*: "big.bin"/);
});

test('a mode that the agent changes on a file of git-lfs is in the patch, its content is not', async () => {
  const root = await makeLargeFiles(['large content', 'other content']);
  const worktree = await make(planFor(workspace, root, user));
  chmodSync(join(worktree.path, 'big.bin'), 0o755);
  const { patch } = await capture(workspace, worktree, user);
  assert.equal(patch.toString(), 'diff --git a/big.bin b/big.bin\nold mode 100644\nnew mode 100755\n');
});

test('content that git-lfs does not have is named, and the pointer stays', async () => {
  const root = await makeLargeFiles(['other content']);
  const worktree = await make(planFor(workspace, root, user));
  assert.equal(readFileSync(join(worktree.path, 'big.bin'), 'utf8'), pointerOf('large content'));
  assert.match(worktree.warnings.join(), /git-lfs files that is not at hand.*: "big.bin"/);
});
