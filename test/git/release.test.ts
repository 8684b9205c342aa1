import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { ReleasePlan } from '../../src/git/release.js';
import { surveySlot } from '../../src/git/survey.js';
import { haveAttributes } from '../../src/git/system.js';
import type { MadeWorktree } from '../../src/git/worktree.js';
import {
  capture,
  git,
  make,
  makeRepository,
  makeUser,
  makeWorkspace,
  planFor,
  put,
  releaseSlot,
  slotOf,
  snapshot,
} from '../support/git.js';
import { checkoutState } from '../support/slots.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const signal = new AbortController().signal;
const isRoot = process.getuid?.() === 0;
const python = has('python3', ['-c', 'import os; os.setxattr']);

const files = {
  'a.txt': 'one\n',
  'b.txt': 'two\n',
  'run.sh': '#!/bin/sh\n',
  'dir/inner.txt': 'inner\n',
  'dir/deep/file.txt': 'deep\n',
  'with space': 'space\n',
  '.gitignore': 'ignored/\n*.log\n',
};

interface Row {
  title: string;
  act: (root: string) => unknown;
  /** Whether the slot may be used again. What is not sure is thrown away. */
  answer?: 'removed';
  skip?: boolean;
}

const agentGit = (root: string, ...args: string[]) => git(root, user, args);

const rows: Row[] = [
  { title: 'nothing', act: () => {} },
  { title: 'edited, deleted and new files', act: (root) => edit(root) },
  { title: 'ignored files', act: (root) => put(root, 'ignored/deep/x', '1') },
  { title: 'an ignored file in a tracked directory', act: (root) => put(root, 'dir/x.log', '1') },
  {
    title: 'empty directories',
    act: (root) => mkdirSync(join(root, 'dir/empty/inner'), { recursive: true }),
  },
  {
    title: 'names with a newline, with bytes that are not UTF-8, and like options',
    act: (root) => {
      put(root, 'line\nbreak', '1');
      put(root, '-rf', '1');
      writeFileSync(Buffer.from(`${root}/caf\xe9`, 'latin1'), '1');
      mkdirSync(Buffer.from(`${root}/dir/\xff\xfe`, 'latin1'));
      writeFileSync(Buffer.from(`${root}/dir/\xff\xfe/x`, 'latin1'), '1');
    },
  },
  { title: 'the mode of a file', act: (root) => chmodSync(join(root, 'a.txt'), 0o755) },
  { title: 'a mode of a file that git does not tell', act: (root) => chmodSync(join(root, 'a.txt'), 0o600) },
  { title: 'a set-user-id bit', act: (root) => chmodSync(join(root, 'run.sh'), 0o4755) },
  { title: 'the mode of a directory', act: (root) => chmodSync(join(root, 'dir'), 0o777) },
  { title: 'the mode of the root', act: (root) => chmodSync(root, 0o1777) },
  { title: 'a directory that may not be written to', act: (root) => chmodSync(join(root, 'dir'), 0o555) },
  { title: 'a directory that may not be entered', act: (root) => chmodSync(join(root, 'dir/deep'), 0) },
  {
    title: 'a new directory that may not be written to',
    act: (root) => {
      put(root, 'new/file', '1');
      chmodSync(join(root, 'new'), 0o555);
    },
  },
  {
    title: 'an edit with its time and its size put back',
    act: (root) => {
      const { atime, mtime } = lstatSync(join(root, 'a.txt'));
      writeFileSync(join(root, 'a.txt'), 'eno\n');
      utimesSync(join(root, 'a.txt'), atime, mtime);
    },
  },
  { title: 'a time put back alone', act: (root) => utimesSync(join(root, 'a.txt'), 1, 1) },
  {
    title: 'a tracked file that has a second name outside',
    act: (root) => linkSync(join(root, 'a.txt'), join(root, '../../../kept-link')),
  },
  {
    title: 'a tracked file that is the second name of another',
    act: (root) => {
      unlinkSync(join(root, 'a.txt'));
      linkSync(join(root, 'b.txt'), join(root, 'a.txt'));
    },
  },
  {
    title: 'two tracked files that changed places',
    act: (root) => {
      renameSync(join(root, 'a.txt'), join(root, 'c.txt'));
      renameSync(join(root, 'b.txt'), join(root, 'a.txt'));
      renameSync(join(root, 'c.txt'), join(root, 'b.txt'));
    },
  },
  {
    title: 'a symbolic link to itself in the place of a directory',
    act: (root) => {
      rmSync(join(root, 'dir'), { recursive: true });
      symlinkSync('dir', join(root, 'dir'));
    },
  },
  {
    title: 'a directory moved away, with a symbolic link in its place',
    act: (root) => {
      const away = join(root, '../moved');
      renameSync(join(root, 'dir'), away);
      symlinkSync('../moved', join(root, 'dir'));
    },
  },
  {
    title: 'a symbolic link to a directory outside, in place of a tracked one',
    act: (root) => {
      rmSync(join(root, 'dir'), { recursive: true });
      symlinkSync(workspace, join(root, 'dir'));
    },
  },
  {
    title: 'a symbolic link in place of a file',
    act: (root) => {
      unlinkSync(join(root, 'a.txt'));
      symlinkSync('b.txt', join(root, 'a.txt'));
    },
  },
  {
    title: 'a directory in place of a file, and a file in place of a directory',
    act: (root) => {
      unlinkSync(join(root, 'a.txt'));
      put(root, 'a.txt/inner', '1');
      rmSync(join(root, 'dir'), { recursive: true });
      put(root, 'dir', 'no directory\n');
    },
  },
  { title: 'a pipe', act: (root) => execFileSync('mkfifo', [join(root, 'dir/pipe')]) },
  {
    title: 'a pipe in place of a file',
    act: (root) => {
      unlinkSync(join(root, 'a.txt'));
      execFileSync('mkfifo', [join(root, 'a.txt')]);
    },
  },
  { title: 'a repository in a tracked directory', act: (root) => agentGit(join(root, 'dir'), 'init', '-q') },
  {
    title: 'a repository in a new directory',
    act: async (root) => {
      mkdirSync(join(root, 'nested'));
      await agentGit(join(root, 'nested'), 'init', '-q');
      put(root, 'nested/file', '1');
    },
  },
  {
    title: 'branches, tags, a stash, commits and settings',
    act: async (root) => {
      await agentGit(root, 'checkout', '-q', '-b', 'mine');
      put(root, 'a.txt', 'committed\n');
      await agentGit(root, 'commit', '-q', '-a', '-m', 'mine');
      await agentGit(root, 'tag', 'v1');
      put(root, 'b.txt', 'stashed\n');
      await agentGit(root, 'stash');
      await agentGit(root, 'config', 'core.fileMode', 'false');
      await agentGit(root, 'config', 'core.fsmonitor', 'touch /tmp/never');
    },
  },
  {
    title: 'an unfinished rebase and a bisection',
    act: (root) => {
      put(root, '.git/rebase-merge/head-name', 'refs/heads/x\n');
      put(root, '.git/BISECT_LOG', '# bad\n');
    },
  },
  {
    title: 'hooks',
    act: (root) => {
      put(root, '.git/hooks/post-checkout', `#!/bin/sh\ntouch ${join(workspace, 'fired')}\n`);
      chmodSync(join(root, '.git/hooks/post-checkout'), 0o755);
    },
  },
  {
    title: 'a `.git` that leads to a hostile repository',
    act: async (root) => {
      rmSync(join(root, '.git'), { recursive: true });
      const hostile = await makeRepository(workspace, user);
      await git(hostile, user, ['config', 'core.fsmonitor', `touch ${join(workspace, 'fired')}`]);
      put(root, '.git', `gitdir: ${hostile}/.git\n`);
    },
  },
  { title: 'no `.git`', act: (root) => rmSync(join(root, '.git'), { recursive: true }) },
  { title: 'a forged index of its own', act: (root) => agentGit(root, 'rm', '-q', '-r', '--cached', '.') },
  { title: 'a lock of its own', act: (root) => put(root, '.git/index.lock', '') },
  {
    title: 'assume-unchanged and skip-worktree, with an edit under each',
    act: async (root) => {
      await agentGit(root, 'update-index', '--assume-unchanged', 'a.txt');
      await agentGit(root, 'update-index', '--skip-worktree', 'b.txt');
      put(root, 'a.txt', 'hidden\n');
      put(root, 'b.txt', 'hidden\n');
    },
  },
  { title: 'a sparse checkout', act: (root) => agentGit(root, 'sparse-checkout', 'set', 'dir/deep') },
  {
    title: 'attributes and ignore rules that hide edits',
    act: (root) => {
      put(root, '.gitattributes', '* filter=evil text eol=crlf working-tree-encoding=UTF-16\n');
      put(root, '.gitignore', '*\n!a.txt\n');
      put(root, 'hidden', '1');
    },
  },
  {
    title: 'a foreign owner of a file',
    act: (root) => chownSync(join(root, 'a.txt'), 12345, 12345),
    skip: !isRoot,
  },
  {
    title: 'a foreign owner of a directory',
    act: (root) => chownSync(join(root, 'dir'), 12345, 12345),
    skip: !isRoot,
    answer: 'removed',
  },
  {
    title: 'an attribute on a file',
    act: (root) => setAttribute(join(root, 'a.txt')),
    skip: !python,
  },
  {
    title: 'an attribute on a directory',
    act: (root) => setAttribute(join(root, 'dir/deep')),
    skip: !python,
    answer: 'removed',
  },
  {
    title: 'an access list on a directory, for what is made in it',
    act: (root) => setAccessList(join(root, 'dir/deep')),
    skip: !python,
    answer: 'removed',
  },
  {
    title: 'a flag on a directory',
    act: (root) => execFileSync('chattr', ['+A', join(root, 'dir')]),
    skip: !canFlag(),
    answer: 'removed',
  },
  {
    title: 'a file that may not be changed',
    act: (root) => {
      put(root, 'a.txt', 'fixed\n');
      execFileSync('chattr', ['+i', join(root, 'a.txt')]);
    },
    skip: !canFix(),
    answer: 'removed',
  },
  {
    title: 'a lock on our index',
    act: (root) => {
      edit(root);
      put(root, '../git/index.lock', '');
    },
    answer: 'removed',
  },
  {
    title: 'an index of ours that is damaged',
    act: (root) => put(root, '../git/index', 'no index'),
    answer: 'removed',
  },
  {
    title: 'a scrub that was broken off',
    act: (root) => mkdirSync(join(root, '../scrub')),
    answer: 'removed',
  },
];

for (const { title, act, answer = 'kept', skip = false } of rows) {
  test(`a slot in which an agent left this is given to the next job as new: ${title}`, { skip }, async () => {
    const root = await makeRepository(workspace, user, files);
    const first = await make(planFor(workspace, root, user, { warm: true }));
    await act(first.path);
    assert.equal(await release(first), answer);
    await assertAsNew(root, first);
  });

  test(`so is a slot that was used before, once its patch was captured: ${title}`, { skip }, async () => {
    const root = await makeRepository(workspace, user, files);
    assert.equal(await release(await make(planFor(workspace, root, user, { warm: true }))), 'kept');
    const second = await make(planFor(workspace, root, user, { warm: true }));
    await act(second.path);
    const survey = await surveySlot(slotOf(second), second.baselineCommit, user, signal);
    if (answer === 'kept') await capture(workspace, second, user, { survey });
    assert.equal(await release(second, { survey }), answer);
    await assertAsNew(root, second);
  });
}

async function assertAsNew(root: string, last: MadeWorktree): Promise<void> {
  assert.equal(existsSync(slotOf(last)), false);
  const next = await make(planFor(workspace, root, user, { warm: true }));
  const fresh = await make(planFor(workspace, root, user));
  assert.deepEqual(stateOf(next), stateOf(fresh));
  assert.equal(await haveAttributes(directoriesOf(next.path), workspace), false);
  assert.equal(existsSync(join(workspace, 'fired')), false);
}

test("a link in the place of the checkout leads a release nowhere: what lies behind it is not the job's", async () => {
  const root = await makeRepository(workspace, user, files);
  const worktree = await make(planFor(workspace, root, user, { warm: true }));
  const elsewhere = join(workspace, 'elsewhere');
  execFileSync('cp', ['-a', worktree.path, elsewhere]);
  put(elsewhere, 'dir/precious', 'theirs\n');
  put(elsewhere, 'untracked/precious', 'theirs\n');
  execFileSync('mkfifo', [join(elsewhere, 'pipe')]);
  const before = snapshot(elsewhere);
  rmSync(worktree.path, { recursive: true });
  symlinkSync(elsewhere, worktree.path);
  const survey = await surveySlot(slotOf(worktree), worktree.baselineCommit, user, signal);
  assert.equal(await release(worktree, { survey }), 'removed');
  assert.deepEqual(snapshot(elsewhere), before);
  await assertAsNew(root, worktree);
});

for (const above of ['the slot', 'all slots']) {
  test(`nor does one in the place of ${above}`, async () => {
    const root = await makeRepository(workspace, user, files);
    const worktree = await make(planFor(workspace, root, user, { warm: true }));
    const place = above === 'the slot' ? slotOf(worktree) : dirname(slotOf(worktree));
    const elsewhere = join(makeWorkspace(), 'elsewhere');
    renameSync(place, elsewhere);
    put(elsewhere, 'precious', 'theirs\n');
    symlinkSync(elsewhere, place);
    put(worktree.path, 'untracked/precious', 'theirs\n');
    const before = snapshot(elsewhere);
    assert.equal(await surveySlot(slotOf(worktree), worktree.baselineCommit, user, signal), undefined);
    if (above === 'the slot') {
      assert.equal(await release(worktree), 'removed');
      assert.deepEqual(snapshot(elsewhere), before);
    }
    rmSync(place, { recursive: true, force: true });
  });
}

test('nor does one in the place of an idle checkout: the next job gets a new slot', async () => {
  const root = await makeRepository(workspace, user, files);
  const first = await make(planFor(workspace, root, user, { warm: true }));
  assert.equal(await release(first), 'kept');
  const checkout = join(idleSlots(first)[0] ?? '', 'wt');
  const elsewhere = join(workspace, 'elsewhere-too');
  renameSync(checkout, elsewhere);
  symlinkSync(elsewhere, checkout);
  const before = snapshot(elsewhere);
  put(root, 'a.txt', 'of another baseline\n');
  await git(root, user, ['commit', '-q', '-a', '-m', 'second']);
  const next = await make(planFor(workspace, root, user, { warm: true }));
  assert.equal(lstatSync(next.path).isDirectory(), true);
  assert.deepEqual(snapshot(elsewhere), before);
});

test('a slot whose patch was captured is given to the next job as new, and its patch is right again', async () => {
  const root = await makeRepository(workspace, user, files);
  const first = await make(planFor(workspace, root, user, { warm: true }));
  edit(first.path);
  const { patch } = await capture(workspace, first, user);
  assert.equal(await release(first), 'kept');
  for (let round = 0; round < 3; round += 1) {
    const next = await make(planFor(workspace, root, user, { warm: true }));
    assert.deepEqual((await capture(workspace, next, user)).patch.length, 0);
    rmSync(slotOf(next), { recursive: true });
    const again = await make(planFor(workspace, root, user, { warm: true }));
    edit(again.path);
    assert.deepEqual((await capture(workspace, again, user)).patch, patch);
    assert.equal(await release(again), 'kept');
  }
});

test("an idle slot is brought to the next job's baseline: another commit, and uncommitted changes", async () => {
  const root = await makeRepository(workspace, user, files);
  const first = await make(planFor(workspace, root, user, { warm: true }));
  assert.equal(await release(first), 'kept');
  const [idle] = idleSlots(first);
  rmSync(join(root, 'dir/deep'), { recursive: true });
  put(root, 'dir/deep', 'now a file\n');
  unlinkSync(join(root, 'with space'));
  put(root, 'with space/inner', 'now a directory\n');
  chmodSync(join(root, 'run.sh'), 0o755);
  await git(root, user, ['add', '-A']);
  await git(root, user, ['commit', '-q', '-m', 'second']);
  put(root, 'a.txt', 'not committed\n');
  unlinkSync(join(root, 'b.txt'));
  const inode = lstatSync(join(idle ?? '', 'wt')).ino;
  const second = await make(planFor(workspace, root, user, { warm: true }));
  assert.equal(lstatSync(second.path).ino, inode);
  assert.deepEqual(stateOf(second).checkout, stateOf(await make(planFor(workspace, root, user))).checkout);
  edit(second.path);
  assert.equal(await release(second), 'kept');
});

test('a slot in which a process still works is thrown away', async () => {
  const root = await makeRepository(workspace, user, files);
  const first = await make(planFor(workspace, root, user, { warm: true }));
  const sleeper = spawn('sleep', ['60'], { cwd: join(first.path, 'dir'), stdio: 'ignore' });
  await once(sleeper, 'spawn');
  assert.equal(await release(first), 'removed');
  sleeper.kill('SIGKILL');
});

test('a pipe in the place of what a release writes holds nobody up, and the slot goes', async () => {
  const root = await makeRepository(workspace, user, files);
  const worktree = await make(planFor(workspace, root, user, { warm: true }));
  execFileSync('mkfifo', [join(slotOf(worktree), 'stamps.json')]);
  assert.equal(await release(worktree), 'removed');
});

test('nothing is kept when no idle slots are allowed, or no checkout was finished', async () => {
  const root = await makeRepository(workspace, user, files);
  const first = await make(planFor(workspace, root, user, { warm: true }));
  assert.equal(await release(first, { warmSlots: 0 }), 'removed');
  const second = await make(planFor(workspace, root, user, { warm: true }));
  assert.equal(await release(second, { baselineCommit: null }), 'removed');
  assert.equal(await release(second), 'removed');
  assert.deepEqual(idleSlots(first), []);
});

test('a release that cannot prove the slot as new throws it away', async () => {
  const root = await makeRepository(workspace, user, files);
  const first = await make(planFor(workspace, root, user, { warm: true }));
  const other = await git(root, user, ['commit-tree', '-m', 'other', (await emptyTree(root)).trim()]);
  assert.equal(await release(first, { baselineCommit: other.toString().trim() }), 'removed');
});

function edit(root: string): void {
  appendFileSync(join(root, 'a.txt'), 'more\n');
  unlinkSync(join(root, 'dir/inner.txt'));
  put(root, 'new/file.txt', 'new\n');
  put(root, 'ignored/file', 'x\n');
}

const release = (worktree: MadeWorktree, more: Partial<ReleasePlan> = {}) =>
  releaseSlot(worktree, user, more);

const emptyTree = async (root: string) => (await git(root, user, ['mktree'])).toString();

const idleSlots = (worktree: MadeWorktree): string[] => {
  const idle = join(slotOf(worktree), '../../idle');
  return existsSync(idle) ? readdirSync(idle).map((name) => join(idle, name)) : [];
};

/** All that a job can see of its checkout; what names the slot's own place is left out. */
const stateOf = ({ path }: MadeWorktree) => ({
  checkout: checkoutState(path, (name) => name === '.git/index' || name === '.git/objects/info/alternates'),
  slot: readdirSync(join(path, '..'))
    .filter((name) => name !== 'stamps.json')
    .sort(),
  git: readdirSync(join(path, '../git')).sort(),
  head: readFileSync(join(path, '../git/HEAD'), 'utf8'),
});

function directoriesOf(root: string): Buffer[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  return [
    root,
    ...entries.filter((each) => each.isDirectory()).map((each) => join(each.parentPath, each.name)),
  ].map((path) => Buffer.from(path));
}

function has(program: string, args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The form of acl(5) in the kernel: version 2, then tag, permissions and no id, of owner, group and others. */
const setAccessList = (path: string) =>
  execFileSync('python3', [
    '-c',
    'import os, struct, sys; entry = lambda tag: struct.pack("<HHI", tag, 7, 0xffffffff); os.setxattr(sys.argv[1], "system.posix_acl_default", struct.pack("<I", 2) + entry(1) + entry(4) + entry(32))',
    path,
  ]);

/** Whether directories have flags here. */
function canFlag(): boolean {
  mkdirSync(join(workspace, 'flagged'));
  return has('chattr', ['+A', join(workspace, 'flagged')]);
}

/** Whether files can be made unchangeable here, which only root may do. */
function canFix(): boolean {
  const path = join(workspace, 'fixed');
  put(workspace, 'fixed', '');
  const can = has('chattr', ['+i', path]);
  has('chattr', ['-i', path]);
  return can;
}

const setAttribute = (path: string) =>
  execFileSync('python3', ['-c', 'import os,sys; os.setxattr(sys.argv[1], "user.mark", b"1")', path]);
