import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  applied,
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

test('what has another size than the content is not read to find that out', { timeout: 60_000 }, async () => {
  const root = await makeLargeFiles(['large content', 'other content']);
  const worktree = await make(planFor(workspace, root, user));
  // Sparse: it takes no room, and minutes to read.
  truncateSync(join(worktree.path, 'big.bin'), 256 * 1024 ** 3);
  const { report } = await capture(workspace, worktree, user);
  assert.match(report.leftOut ?? '', /"big\.bin" \(274877906944 bytes\)/);
  assert.deepEqual(report.warnings, []);
});

test('content that git-lfs does not have is named, and the pointer stays', async () => {
  const root = await makeLargeFiles(['other content']);
  const worktree = await make(planFor(workspace, root, user));
  assert.equal(readFileSync(join(worktree.path, 'big.bin'), 'utf8'), pointerOf('large content'));
  assert.match(worktree.warnings.join(), /git-lfs files that is not at hand.*: "big.bin"/);
});

test('content of another size than its pointer says is not taken for it', async () => {
  const root = await makeLargeFiles(['other content']);
  const oid = oidOf('large content');
  put(root, `.git/lfs/objects/${oid.slice(0, 2)}/${oid.slice(2, 4)}/${oid}`, 'large');
  const worktree = await make(planFor(workspace, root, user));
  assert.equal(readFileSync(join(worktree.path, 'big.bin'), 'utf8'), pointerOf('large content'));
  assert.match(worktree.warnings.join(), /git-lfs files that is not at hand.*: "big.bin"/);
  assert.equal((await capture(workspace, worktree, user)).patch.length, 0);
});

test('a pointer in the place of its content changes nothing, and one to another content is in the patch as it is', async () => {
  const root = await makeLargeFiles(['large content', 'other content']);
  const worktree = await make(planFor(workspace, root, user));
  put(worktree.path, 'big.bin', pointerOf('large content'));
  put(worktree.path, 'dir/other.bin', pointerOf('yet another'));
  const { patch, report, files } = await capture(workspace, worktree, user);
  assert.deepEqual(
    files.map(({ path }) => path),
    ['dir/other.bin'],
  );
  assert.match(patch.toString(), new RegExp(`\\+oid sha256:${oidOf('yet another')}`));
  assert.deepEqual(report.warnings, []);
});

/** What agents of a job and of its follow-up do to files of git-lfs, and what the patch of the latter then says of them. */
const chains: {
  title: string;
  first: (tree: string) => unknown;
  second: (tree: string) => unknown;
  changed: string[];
  whole?: true;
}[] = [
  {
    title: 'other content stays in the patch whole, and it is told again',
    first: (tree) => put(tree, 'big.bin', 'other words'),
    second: () => {},
    changed: ['big.bin'],
    whole: true,
  },
  {
    title: 'content that is as it was again is not in the patch',
    first: (tree) => put(tree, 'big.bin', 'other words'),
    second: (tree) => put(tree, 'big.bin', 'large content'),
    changed: [],
  },
  {
    title: 'a pointer to another version stays that pointer',
    first: (tree) => put(tree, 'big.bin', pointerOf('other content')),
    second: () => {},
    changed: ['big.bin'],
  },
  {
    title: 'a file that was deleted and is back is not in the patch',
    first: (tree) => rmSync(join(tree, 'dir'), { recursive: true }),
    second: (tree) => put(tree, 'dir/other.bin', 'other content'),
    changed: [],
  },
  {
    title: 'a mode stays in the patch, the content does not get in',
    first: (tree) => chmodSync(join(tree, 'big.bin'), 0o755),
    second: () => {},
    changed: ['big.bin'],
  },
  {
    title: 'rules that no longer name them change nothing for the files there are',
    first: (tree) => put(tree, '.gitattributes', ''),
    second: (tree) => put(tree, 'dir/other.bin', 'other words'),
    changed: ['.gitattributes', 'dir/other.bin'],
    whole: true,
  },
];

for (const { title, first, second, changed, whole } of chains) {
  test(`in a follow-up, of files of git-lfs: ${title}`, async () => {
    const root = await makeLargeFiles(['large content', 'other content']);
    const plan = planFor(workspace, root, user);
    const earlier = await make(plan);
    first(earlier.path);
    const continues = await handOver(workspace, plan, earlier, user);
    const worktree = await make(planFor(workspace, root, user, { continues }));
    assert.deepEqual(worktree.warnings, []);
    second(worktree.path);
    const { files, report, patch } = await capture(workspace, worktree, user);
    assert.deepEqual(
      files.map(({ path }) => path),
      changed,
    );
    assert.equal(/whole content of changed git-lfs files/.test(report.warnings.join()), whole === true);
    await applied(workspace, worktree, user, patch);
  });
}
