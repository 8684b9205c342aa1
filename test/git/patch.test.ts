import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { type CapturePlan, capturePatch } from '../../src/git/patch.js';
import { removeWorktree, sweepTrash } from '../../src/git/removal.js';
import { slotLayout } from '../../src/git/slot.js';
import {
  applied,
  capture,
  capturePlanFor,
  expectCode,
  expectValue,
  git,
  isGit,
  make,
  makeRepository,
  makeUser,
  makeWorkspace,
  outside,
  planFor,
  put,
  releaseSlot,
  slotOf,
  snapshot,
} from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);

const files = {
  '.gitignore': 'ignored/\n*.log\n',
  'a.txt': 'one\ntwo\nthree\n',
  'crlf.txt': 'one\r\ntwo\r\n',
  'latin1.txt': Buffer.from('caf\xe9\n', 'latin1'),
  'binary.bin': Buffer.from([0, 1, 2, 255, 0]),
  'run.sh': '#!/bin/sh\necho run\n',
  'dir/inner.txt': 'inner\n',
  'dir/other.txt': 'other\n',
  '-rf': 'dash\n',
};

interface Row {
  title: string;
  act: (tree: string) => unknown;
  /** Paths that are not meant to be in the patch. */
  left?: string[];
  warns?: RegExp;
}

const agent = (tree: string, ...args: string[]) => git(tree, user, args);

const rows: Row[] = [
  { title: 'nothing at all', act: () => {} },
  { title: 'edits of text', act: (tree) => put(tree, 'a.txt', 'one\n2\nthree\n') },
  { title: 'a last line without its line break', act: (tree) => put(tree, 'a.txt', 'one') },
  {
    title: 'bytes of every kind',
    act: (tree) => {
      put(tree, 'crlf.txt', 'one\r\n2\r\n');
      put(tree, 'latin1.txt', Buffer.from('th\xe9\n', 'latin1'));
      put(tree, 'binary.bin', Buffer.from([0, 255, 254, 13, 10, 0]));
      put(tree, 'new.bin', Buffer.from([0, 1, 2]));
      put(tree, 'empty', '');
    },
  },
  {
    title: 'modes and links',
    act: (tree) => {
      chmodSync(join(tree, 'run.sh'), 0o755);
      symlinkSync(join(outside(workspace), 'theirs'), join(tree, 'link'));
      symlinkSync('missing', join(tree, 'dir/dangling'));
    },
  },
  {
    title: 'a file turned into a link',
    act: (tree) => {
      unlinkSync(join(tree, 'a.txt'));
      symlinkSync('run.sh', join(tree, 'a.txt'));
    },
  },
  {
    title: 'a file turned into a directory',
    act: (tree) => {
      unlinkSync(join(tree, 'a.txt'));
      put(tree, 'a.txt/deep/b', 'one\ntwo\nthree\n');
    },
  },
  {
    title: 'a directory turned into a file',
    act: (tree) => {
      rmSync(join(tree, 'dir'), { recursive: true });
      put(tree, 'dir', 'inner\n');
    },
  },
  {
    title: 'a directory turned into a link to outside',
    act: (tree) => {
      rmSync(join(tree, 'dir'), { recursive: true });
      symlinkSync(outside(workspace), join(tree, 'dir'));
    },
  },
  {
    title: 'a directory turned into a link to itself, in which nothing can be looked up',
    act: (tree) => {
      rmSync(join(tree, 'dir'), { recursive: true });
      symlinkSync('dir', join(tree, 'dir'));
    },
  },
  {
    title: 'a rename with an edit',
    act: (tree) => {
      renameSync(join(tree, 'a.txt'), join(tree, 'b.txt'));
      put(tree, 'b.txt', 'one\ntwo\n3\n');
    },
  },
  {
    title: 'two files exchanged',
    act: (tree) => {
      renameSync(join(tree, 'a.txt'), join(tree, 'x'));
      renameSync(join(tree, 'run.sh'), join(tree, 'a.txt'));
      renameSync(join(tree, 'x'), join(tree, 'run.sh'));
    },
  },
  {
    title: 'everything deleted',
    act: (tree) => {
      for (const name of readdirSync(tree)) rmSync(join(tree, name), { recursive: true });
    },
  },
  {
    title: 'odd names',
    act: (tree) => {
      for (const name of [
        'line\nbreak',
        ' space ',
        'tab\t',
        '"quote"',
        '$(touch x)',
        ':(top)x',
        ':',
        '*',
        '[a]',
        '\\',
        '-rf2',
        '--help',
        'é',
      ]) {
        put(tree, name, `${name}\n`);
      }
      writeFileSync(Buffer.from(`${tree}/\xff\xfe`, 'latin1'), 'odd\n');
      put(tree, 'n'.repeat(255), 'long\n');
      unlinkSync(join(tree, '-rf'));
    },
  },
  {
    title: 'commits, branches and a moved HEAD of the agent',
    act: async (tree) => {
      put(tree, 'a.txt', 'committed\n');
      put(tree, 'new.txt', 'committed\n');
      await agent(tree, 'add', '-A');
      await agent(tree, 'commit', '-qm', 'work');
      put(tree, 'a.txt', 'on top\n');
      await agent(tree, 'checkout', '-q', '-b', 'elsewhere');
    },
  },
  {
    title: 'a deleted git directory',
    act: (tree) => {
      rmSync(join(tree, '.git'), { recursive: true });
      put(tree, 'a.txt', 'x');
    },
  },
  {
    title: 'a git directory replaced by a file that points elsewhere',
    act: async (tree) => {
      const elsewhere = await makeRepository(workspace, user);
      rmSync(join(tree, '.git'), { recursive: true });
      put(tree, '.git', `gitdir: ${elsewhere}/.git\n`);
      put(tree, 'a.txt', 'x');
    },
  },
  {
    title: 'a forged index, hidden entries and a lock',
    act: async (tree) => {
      await agent(tree, 'update-index', '--assume-unchanged', 'a.txt');
      await agent(tree, 'update-index', '--skip-worktree', 'run.sh');
      put(tree, 'a.txt', 'hidden\n');
      put(tree, 'run.sh', 'hidden\n');
      put(tree, '.git/index.lock', '');
    },
  },
  {
    title: 'attributes and configuration that bend the diff',
    act: async (tree) => {
      put(
        tree,
        '.gitattributes',
        '* -diff -text filter=x diff=x working-tree-encoding=UTF-16\n*.txt eol=crlf ident\n',
      );
      put(tree, 'a.txt', 'one\n$Id$\n');
      put(tree, 'crlf.txt', 'one\n');
      for (const [key, value] of [
        ['diff.noprefix', 'true'],
        ['color.ui', 'always'],
        ['core.fileMode', 'false'],
        ['diff.external', 'false'],
        ['core.autocrlf', 'true'],
      ] as const) {
        await agent(tree, 'config', key, value);
      }
      chmodSync(join(tree, 'run.sh'), 0o755);
    },
  },
  {
    title: 'new ignore rules, which hide nothing',
    act: (tree) => {
      put(tree, '.gitignore', '*\n');
      put(tree, 'dir/.gitignore', '*\n');
      put(tree, '.git/info/exclude', '*\n');
      put(tree, 'new.txt', 'x\n');
      put(tree, 'dir/new.txt', 'x\n');
    },
  },
  {
    title: "what the baseline's rules ignore, although the agent took them away",
    act: (tree) => {
      unlinkSync(join(tree, '.gitignore'));
      put(tree, 'ignored/deep/file', 'x');
      put(tree, 'debug.log', 'x');
      put(tree, 'kept.txt', 'x');
    },
    left: ['ignored/deep/file', 'debug.log'],
  },
  {
    title: 'repositories inside, with and without a commit',
    act: async (tree) => {
      for (const name of ['nested', 'dir/empty']) {
        put(tree, `${name}/file`, 'x\n');
        await git(join(tree, name), user, ['init', '-q']);
      }
      await git(join(tree, 'nested'), user, ['add', '-A']);
      await git(join(tree, 'nested'), user, ['commit', '-qm', 'inner']);
    },
    warns: /Repositories that the agent made/,
  },
  {
    title: 'a repository in an ignored directory',
    act: async (tree) => {
      put(tree, 'ignored/nested/file', 'x\n');
      await git(join(tree, 'ignored/nested'), user, ['init', '-q']);
    },
    left: ['ignored/nested/file'],
    warns: /their history is not in the patch, nor are files that are ignored: 1\./,
  },
  {
    title: 'a pipe in place of a file, and another one',
    act: async (tree) => {
      unlinkSync(join(tree, 'a.txt'));
      await execa('mkfifo', [join(tree, 'a.txt'), join(tree, 'dir/pipe')]);
    },
    warns: /Pipes, sockets and devices/,
  },
  {
    title: 'names that git cannot store',
    act: (tree) => {
      put(tree, 'sub/.GIT/x', 'x');
      put(tree, 'git~1', 'x');
      put(tree, '.git ', 'x');
      put(tree, 'new', 'x');
    },
    left: ['sub/.GIT/x', 'git~1', '.git '],
    warns: /git does not store.*: 3/,
  },
  {
    title: 'names that only another system parts where git cannot store them, or shortens',
    act: (tree) => {
      put(tree, 'a\\.git', 'x');
      symlinkSync('a.txt', join(tree, '~1234567'));
      put(tree, '~7654321', 'x');
    },
    left: ['a\\.git', '~1234567'],
    warns: /git does not store.*: 2/,
  },
  {
    title: 'closed directories and files',
    act: (tree) => {
      put(tree, 'dir/new.txt', 'x');
      chmodSync(join(tree, 'dir/new.txt'), 0o000);
      chmodSync(join(tree, 'a.txt'), 0o000);
      chmodSync(join(tree, 'dir'), 0o000);
      chmodSync(tree, 0o500);
    },
  },
  {
    title: 'an edit with the old size and time',
    act: async (tree) => {
      await execa('cp', ['-p', join(tree, 'a.txt'), join(workspace, 'reference')]);
      put(tree, 'a.txt', 'ONE\ntwo\nthree\n');
      await execa('touch', ['-r', join(workspace, 'reference'), join(tree, 'a.txt')]);
    },
  },
  {
    title: 'replaced objects and grafts',
    act: async (tree) => {
      put(tree, 'a.txt', 'x\n');
      await agent(tree, 'commit', '-qam', 'x');
      await agent(tree, 'replace', 'HEAD~1', 'HEAD');
    },
  },
];

for (const { title, act, left = [], warns } of rows) {
  test(`the patch applies to the baseline and gives what the agent left: ${title}`, async () => {
    const root = await makeRepository(workspace, user, files);
    const before = snapshot(root);
    const worktree = await make(planFor(workspace, root, user));
    await act(worktree.path);
    const { report, patch } = await capture(workspace, worktree, user);
    const result = snapshot(worktree.path, (path) => left.includes(path));
    assert.deepEqual(await applied(workspace, worktree, user, patch), result);
    assert.deepEqual(snapshot(root), before);
    if (warns) assert.match(report.warnings.join('\n'), warns);
    else assert.deepEqual(report.warnings, []);
    await removeWorktree(slotOf(worktree));
  });
}

test('uncommitted changes of the caller are in the baseline, not in the patch', async () => {
  const root = await makeRepository(workspace, user, files);
  put(root, 'crlf.txt', 'changed\r\n');
  const worktree = await make(planFor(workspace, root, user));
  put(worktree.path, 'dir/inner.txt', 'changed\n');
  const { files: list } = await capture(workspace, worktree, user);
  assert.deepEqual(
    list.map(({ path }) => path),
    ['dir/inner.txt'],
  );
});

test("the caller's own excludes hold, from info/exclude and from their excludes file", async () => {
  const excluding = makeUser(workspace, '[core]\n\texcludesFile = ~/ignore-me\n');
  put(excluding.HOME ?? '', 'ignore-me', '*.global\n');
  const root = await makeRepository(workspace, excluding);
  put(root, '.git/info/exclude', '*.local\n');
  const worktree = await make(planFor(workspace, root, excluding));
  for (const name of ['x.global', 'x.local', 'x.kept']) put(worktree.path, name, 'x');
  const { files: list } = await capture(workspace, worktree, excluding);
  assert.deepEqual(
    list.map(({ path }) => path),
    ['x.kept'],
  );
});

test("an excludes file that the repository names by a relative path lies in the caller's tree", async () => {
  const root = await makeRepository(workspace, user);
  put(root, 'rules', '*.local\nrules\n');
  await git(root, user, ['config', 'core.excludesFile', 'rules']);
  put(root, 'x.local', 'x');
  const worktree = await make(planFor(workspace, root, user, { includeUntracked: true }));
  for (const name of ['y.local', 'y.kept']) put(worktree.path, name, 'y');
  const { files: list } = await capture(workspace, worktree, user);
  assert.deepEqual(
    list.map(({ path }) => path),
    ['y.kept'],
  );
  assert.deepEqual(Object.keys(snapshot(worktree.path, isGit)), ['a.txt', 'y.kept', 'y.local']);
});

test('the file list tells status, lines and modes, and quotes names that are not UTF-8', async () => {
  const root = await makeRepository(workspace, user, { ...files, 'long.txt': 'line\n'.repeat(50) });
  const { path: tree, ...worktree } = await make(planFor(workspace, root, user));
  put(tree, 'a.txt', 'one\n2\nthree\nfour\n');
  put(tree, 'binary.bin', Buffer.from([0, 9]));
  unlinkSync(join(tree, 'crlf.txt'));
  renameSync(join(tree, 'long.txt'), join(tree, 'moved.txt'));
  chmodSync(join(tree, 'run.sh'), 0o755);
  unlinkSync(join(tree, 'latin1.txt'));
  symlinkSync('a.txt', join(tree, 'latin1.txt'));
  writeFileSync(Buffer.from(`${tree}/caf\xe9\n`, 'latin1'), 'x\n');
  const { report, files: list } = await capture(workspace, { ...worktree, path: tree }, user);
  const file = '100644';
  assert.deepEqual(list, [
    { path: 'a.txt', status: 'modified', added: 2, removed: 1, oldMode: file, newMode: file },
    { path: 'binary.bin', status: 'modified', added: null, removed: null, oldMode: file, newMode: file },
    { path: '"caf\\351\\n"', status: 'added', added: 1, removed: 0, oldMode: '000000', newMode: file },
    { path: 'crlf.txt', status: 'deleted', added: 0, removed: 2, oldMode: file, newMode: '000000' },
    { path: 'latin1.txt', status: 'typechange', added: 1, removed: 1, oldMode: file, newMode: '120000' },
    {
      path: 'moved.txt',
      oldPath: 'long.txt',
      status: 'renamed',
      added: 0,
      removed: 0,
      oldMode: file,
      newMode: file,
    },
    { path: 'run.sh', status: 'modified', added: 0, removed: 0, oldMode: file, newMode: '100755' },
  ]);
  assert.equal(report.added, 4);
  assert.equal(report.removed, 4);
});

async function capturePlan(more: Partial<CapturePlan> = {}): Promise<{ plan: CapturePlan; tree: string }> {
  const root = await makeRepository(workspace, user, files);
  const worktree = await make(planFor(workspace, root, user));
  return { plan: capturePlanFor(workspace, worktree, user, more), tree: worktree.path };
}

test('a capture gives the same answer again, also when the worktree is gone', async () => {
  const { plan, tree } = await capturePlan();
  put(tree, 'new.txt', 'x\n');
  const first = expectValue(await capturePatch(plan));
  await removeWorktree(plan.slotDirectory);
  assert.deepEqual(expectValue(await capturePatch(plan)), first);
});

test('a capture that was cut off is taken up again', async () => {
  const { plan, tree } = await capturePlan();
  put(tree, 'new.txt', 'x\n');
  put(tree, 'nested/file', 'x\n');
  await git(join(tree, 'nested'), user, ['init', '-q']);
  expectValue(await capturePatch(plan));
  rmSync(`${plan.patchFile}.report`);
  put(plan.slotDirectory, 'git/capture-index.lock', '');
  writeFileSync(`${plan.patchFile}.tmp`, 'half');
  assert.equal(expectValue(await capturePatch(plan)).files, 2);
});

test('a capture whose files did not all get to the disk is made again', async () => {
  const { plan, tree } = await capturePlan();
  put(tree, 'new.txt', 'x\n');
  const first = expectValue(await capturePatch(plan));
  const patch = readFileSync(plan.patchFile);
  const cut = [`${plan.patchFile}.report`, plan.patchFile, plan.filesFile];
  for (const file of cut) {
    truncateSync(file, 10);
    assert.deepEqual(expectValue(await capturePatch(plan)), first);
    assert.deepEqual(readFileSync(plan.patchFile), patch);
  }
  rmSync(plan.filesFile);
  await removeWorktree(plan.slotDirectory);
  expectCode(await capturePatch(plan), 'patch_failed');
});

test('a worktree that is gone before its capture is told', async () => {
  const { plan, tree } = await capturePlan();
  rmSync(tree, { recursive: true });
  expectCode(await capturePatch(plan), 'patch_failed');
});

test('a named pipe in the way of a capture is told of, and nobody waits for its other end', async () => {
  const { plan, tree } = await capturePlan();
  put(tree, 'new.txt', 'x\n');
  const inTheWay = [`${plan.patchFile}.tmp`, plan.filesFile, `${plan.patchFile}.report`];
  for (const path of [...inTheWay, slotLayout(plan.slotDirectory).index]) {
    rmSync(path, { force: true });
    await execa('mkfifo', [path]);
    expectCode(await capturePatch(plan), 'patch_failed');
    rmSync(path);
  }
});

test('a named pipe in the git directory of a slot ends its capture by name, and one in place of its copies is replaced', {
  timeout: 60_000,
}, async () => {
  const { plan, tree } = await capturePlan();
  put(tree, 'new.txt', 'x\n');
  const { gitDirectory } = slotLayout(plan.slotDirectory);
  const head = join(gitDirectory, 'HEAD');
  const content = readFileSync(head);
  rmSync(head);
  await execa('mkfifo', [head, join(gitDirectory, 'capture-index')]);
  const outcome = await capturePatch(plan);
  expectCode(outcome, 'patch_failed');
  assert.match(outcome.ok ? '' : outcome.fault.message, /git\/HEAD" is a named pipe/);
  rmSync(head);
  writeFileSync(head, content);
  assert.equal(expectValue(await capturePatch(plan)).files, 1);
});

test('what git could not write to its end, as on a full disk, is gone when a capture fails', async () => {
  const { plan, tree } = await capturePlan();
  put(tree, 'short~1', randomBytes(100_000));
  const directory = join(workspace, 'no-room');
  put(
    directory,
    'git',
    '#!/bin/sh\ntrap "" XFSZ; ulimit -f 100\nPATH=/usr/local/bin:/usr/bin:/bin exec git "$@"\n',
  );
  chmodSync(join(directory, 'git'), 0o755);
  const environment = { ...user, PATH: `${directory}:${user.PATH}` };
  const outcome = await capturePatch({ ...plan, environment });
  assert.match(outcome.ok ? '' : outcome.fault.message, /unable to write/);
  const { objects } = slotLayout(plan.slotDirectory);
  const names = readdirSync(objects).flatMap((name) => readdirSync(join(objects, name)));
  assert.deepEqual(
    names.filter((name) => name.startsWith('tmp_')),
    [],
  );
  assert.equal(expectValue(await capturePatch(plan)).files, 1);
});

test('what has no end in the place of the index in the git directory of a slot ends its capture in words', async () => {
  const { plan, tree } = await capturePlan();
  put(tree, 'new.txt', 'x\n');
  const { index } = slotLayout(plan.slotDirectory);
  rmSync(index);
  symlinkSync('/dev/zero', index);
  const outcome = await capturePatch(plan);
  expectCode(outcome, 'patch_failed');
  assert.match(outcome.ok ? '' : outcome.fault.message, /the index is damaged/);
});

for (const [title, words, spoil] of [
  ['additions', /was changed since/, (slot) => put(slot, 'additions.json', '[[[[')],
  ['git directory', /not a git repository/, (slot) => put(slot, 'git/HEAD', 'junk')],
] as [string, RegExp, (slot: string) => void][]) {
  test(`a slot whose ${title} an agent without a sandbox wrote over ends its capture in words, and goes`, async () => {
    const worktree = await make(planFor(workspace, await makeRepository(workspace, user), user));
    put(worktree.path, 'new.txt', 'x\n');
    spoil(slotOf(worktree));
    const outcome = await capturePatch(capturePlanFor(workspace, worktree, user));
    expectCode(outcome, 'patch_failed');
    assert.match(outcome.ok ? '' : outcome.fault.message, words);
    assert.equal(await releaseSlot(worktree, user), 'removed');
    assert.equal(existsSync(slotOf(worktree)), false);
  });
}

test('a slot whose stamps an agent without a sandbox wrote over keeps its patch', async () => {
  const worktree = await make(planFor(workspace, await makeRepository(workspace, user), user));
  put(worktree.path, 'new.txt', 'x\n');
  put(slotOf(worktree), 'stamps.json', '[1');
  assert.equal((await capture(workspace, worktree, user)).report.files, 1);
});

test('nothing is captured of a worktree whose scrub was broken off', async () => {
  const { plan, tree } = await capturePlan();
  put(tree, 'new.txt', 'x\n');
  mkdirSync(slotLayout(plan.slotDirectory).scrub);
  expectCode(await capturePatch(plan), 'patch_failed');
  assert.deepEqual(readdirSync(join(plan.patchFile, '..')), []);
});

test('what takes the place of a directory that holds ignore rules is a file to the rules of the others', async () => {
  const root = await makeRepository(workspace, user, { '.gitignore': 'build/\nlogs/\n', 'a.txt': 'one\n' });
  for (const directory of ['build', 'logs']) put(root, `${directory}/.gitignore`, '*\n');
  await git(root, user, ['add', '--force', '.']);
  await git(root, user, ['commit', '-qm', 'rules']);
  const worktree = await make(planFor(workspace, root, user));
  for (const directory of ['build', 'logs']) rmSync(join(worktree.path, directory), { recursive: true });
  put(worktree.path, 'build', 'a script now\n');
  symlinkSync('a.txt', join(worktree.path, 'logs'));
  const { patch } = await capture(workspace, worktree, user);
  assert.deepEqual(await applied(workspace, worktree, user, patch), snapshot(worktree.path, isGit));
});

test('a capture can be stopped', async () => {
  const { plan, tree } = await capturePlan({ signal: AbortSignal.abort() });
  put(tree, 'new.txt', 'x\n');
  expectCode(await capturePatch(plan), 'patch_failed');
  assert.equal(existsSync(plan.patchFile), false);
});

test('a removed worktree is gone, read-only directories and all, and again is fine', async () => {
  const { plan, tree } = await capturePlan();
  mkdirSync(join(tree, 'closed/inner'), { recursive: true });
  chmodSync(join(tree, 'closed'), 0o000);
  await removeWorktree(plan.slotDirectory);
  assert.equal(existsSync(plan.slotDirectory), false);
  assert.deepEqual(readdirSync(join(plan.slotDirectory, '../../trash')), []);
  await removeWorktree(plan.slotDirectory);
});

test('the sweep deletes what an earlier daemon left in the trash, and leaves the slots', async () => {
  const { plan } = await capturePlan();
  const trash = join(plan.slotDirectory, '../../trash');
  put(trash, 'left/deep/file', 'x');
  chmodSync(join(trash, 'left/deep'), 0o500);
  await sweepTrash(join(workspace, 'repositories'));
  assert.deepEqual(readdirSync(trash), []);
  assert.equal(existsSync(plan.slotDirectory), true);
  await sweepTrash(join(workspace, 'missing'));
});

test('what is deleted or ignored does not reach the caller', async () => {
  const root = await makeRepository(workspace, user, files);
  const before = snapshot(root, isGit);
  const worktree = await make(planFor(workspace, root, user));
  for (const name of readdirSync(worktree.path)) rmSync(join(worktree.path, name), { recursive: true });
  await capture(workspace, worktree, user);
  assert.deepEqual(snapshot(root, isGit), before);
});
