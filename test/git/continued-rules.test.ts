import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
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
} from '../support/git.js';

const workspace = makeWorkspace();

interface Row {
  title: string;
  first(tree: string): unknown;
  /** What the caller does between the two jobs. */
  caller?(root: string, user: Record<string, string>): unknown;
  second?(tree: string): unknown;
  /** Files of the second patch. */
  patched: string[];
}

const rows: Row[] = [
  {
    title: 'rules of the earlier patch hide nothing of either job',
    first: (tree) => {
      put(tree, '.gitignore', '*\n');
      put(tree, 'one.txt', '1\n');
    },
    second: (tree) => put(tree, 'deep/two.txt', '2\n'),
    patched: ['.gitignore', 'deep/two.txt', 'one.txt'],
  },
  {
    title: 'rules that the earlier patch takes away hide what they hid',
    first: (tree) => {
      rmSync(join(tree, '.gitignore'));
      put(tree, 'one.log', '1\n');
      put(tree, 'one.txt', '1\n');
    },
    second: (tree) => put(tree, 'two.log', '2\n'),
    patched: ['.gitignore', 'one.txt'],
  },
  {
    title: 'rules that the earlier patch adds in a directory of its own are no rules yet',
    first: (tree) => {
      put(tree, 'new/.gitignore', '*.txt\n');
      put(tree, 'new/one.txt', '1\n');
    },
    second: (tree) => put(tree, 'new/two.txt', '2\n'),
    patched: ['new/.gitignore', 'new/one.txt', 'new/two.txt'],
  },
  {
    title: "a rule that the caller adds to their own excludes does not take the earlier job's file away",
    first: (tree) => {
      put(tree, 'one.tmp', '1\n');
      put(tree, 'out/one.txt', '1\n');
    },
    caller: (root) => put(root, '.git/info/exclude', '*.tmp\nout/\n'),
    second: (tree) => {
      put(tree, 'two.tmp', '2\n');
      put(tree, 'out/two.txt', '2\n');
    },
    patched: ['one.tmp', 'out/one.txt'],
  },
  {
    title:
      "nor does one in the caller's excludes file, and what the second agent changes of it is in the patch",
    first: (tree) => put(tree, 'one.tmp', '1\n'),
    caller: (_root, { HOME = '' }) => put(HOME, '.config/git/ignore', '*.tmp\n'),
    second: (tree) => put(tree, 'one.tmp', '1 and 2\n'),
    patched: ['one.tmp'],
  },
  {
    title: 'a file of the earlier job that the second agent deletes is not in the patch',
    first: (tree) => put(tree, 'one.tmp', '1\n'),
    caller: (root) => put(root, '.git/info/exclude', '*.tmp\n'),
    second: (tree) => rmSync(join(tree, 'one.tmp')),
    patched: [],
  },
  {
    title:
      'a commit of the caller that ignores, tracks or includes a file of the earlier job changes nothing',
    first: (tree) => {
      put(tree, 'one.tmp', '1\n');
      put(tree, 'two.tmp', '2\n');
    },
    caller: async (root, user) => {
      put(root, '.gitignore', '*.tmp\n');
      put(root, '.worktreeinclude', '*.tmp\n');
      put(root, 'one.tmp', 'of the caller\n');
      put(root, 'two.tmp', 'of the caller\n');
      await git(root, user, ['add', '-f', '.gitignore', '.worktreeinclude', 'two.tmp']);
      await git(root, user, ['commit', '-q', '-m', 'rules']);
    },
    second: (tree) => assert.equal(readFileSync(join(tree, 'one.tmp'), 'utf8'), '1\n'),
    patched: ['one.tmp', 'two.tmp'],
  },
  {
    title: 'an exclude that the caller takes away shows what it hid only from then on',
    first: (tree) => put(tree, 'one.own', '1\n'),
    caller: (root) => put(root, '.git/info/exclude', ''),
    second: (tree) => put(tree, 'two.own', '2\n'),
    patched: ['two.own'],
  },
];

for (const { title, first, caller, second, patched } of rows) {
  test(`where rules change between a job and its follow-up: ${title}`, async () => {
    const user = makeUser(workspace);
    const root = await makeRepository(workspace, user, { 'a.txt': 'one\n', '.gitignore': '*.log\n' });
    put(root, '.git/info/exclude', '*.own\n');
    const plan = planFor(workspace, root, user);
    const earlier = await make(plan);
    await first(earlier.path);
    const continues = await handOver(workspace, plan, earlier, user);
    await caller?.(root, user);
    const worktree = await make(planFor(workspace, root, user, { continues }));
    await second?.(worktree.path);
    const captured = await capture(workspace, worktree, user);
    assert.deepEqual(captured.files.map(({ path }) => path).sort(), patched);
    await applied(workspace, worktree, user, captured.patch);
  });
}
