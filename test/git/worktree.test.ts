import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as nextCheck } from 'node:timers/promises';
import { makeWorktree } from '../../src/git/worktree.js';
import {
  expectCode,
  git,
  isGit,
  make,
  makeRepository,
  makeUser,
  makeWorkspace,
  outside,
  planFor,
  put,
  slotOf,
  snapshot,
} from '../support/git.js';
import { gone } from '../support/gone.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);

const files = {
  'a.txt': 'one\ntwo\n',
  'crlf.txt': 'one\r\ntwo\r\n',
  'latin1.txt': Buffer.from('caf\xe9\n', 'latin1'),
  'binary.bin': Buffer.from([0, 1, 2, 255, 0]),
  'run.sh': '#!/bin/sh\n',
  'dir/inner.txt': 'inner\n',
  'dir/other.txt': 'other\n',
  '-rf': 'dash\n',
  'with space': 'space\n',
  'line\nbreak': 'newline\n',
};

interface Row {
  title: string;
  act: (root: string) => unknown;
  /** Tracked paths whose caller's version is not meant to arrive, and untracked ones. */
  absent?: string[];
}

const run = (root: string, ...args: string[]) => git(root, user, args);

const rows: Row[] = [
  { title: 'nothing', act: () => {} },
  { title: 'an unstaged edit', act: (root) => put(root, 'a.txt', 'changed\n') },
  {
    title: 'a staged edit with another on top',
    act: async (root) => {
      put(root, 'a.txt', 'staged\n');
      await run(root, 'add', 'a.txt');
      put(root, 'a.txt', 'on top\n');
    },
  },
  {
    title: 'bytes of every kind',
    act: (root) => {
      put(root, 'crlf.txt', 'one\r\nchanged\r\n');
      put(root, 'latin1.txt', Buffer.from('\xe9\xff\xfe\n', 'latin1'));
      put(root, 'binary.bin', Buffer.from([0, 0, 9, 10, 13]));
      put(root, 'line\nbreak', 'changed\n');
      put(root, '-rf', 'changed\n');
    },
  },
  { title: 'a mode', act: (root) => chmodSync(join(root, 'run.sh'), 0o755) },
  { title: 'a deletion', act: (root) => unlinkSync(join(root, 'a.txt')) },
  { title: 'a staged deletion', act: async (root) => void (await run(root, 'rm', '-q', 'a.txt')) },
  { title: 'a rename', act: async (root) => void (await run(root, 'mv', 'a.txt', 'b.txt')) },
  {
    title: 'a file turned into a symbolic link',
    act: (root) => {
      unlinkSync(join(root, 'a.txt'));
      symlinkSync(join(outside(workspace), 'theirs'), join(root, 'a.txt'));
    },
  },
  {
    title: 'a directory turned into a symbolic link that is not tracked',
    act: (root) => {
      renameSync(join(root, 'dir'), join(root, '../moved-dir'));
      symlinkSync('../moved-dir', join(root, 'dir'));
    },
    absent: ['dir'],
  },
  {
    title: 'a file turned into a directory',
    act: (root) => {
      unlinkSync(join(root, 'a.txt'));
      put(root, 'a.txt/new', 'untracked\n');
    },
    absent: ['a.txt/new'],
  },
  {
    title: 'an untracked file, which stays behind',
    act: (root) => put(root, 'new.txt', 'x'),
    absent: ['new.txt'],
  },
  {
    title: 'a staged new file, deleted afterwards',
    act: async (root) => {
      put(root, 'new.txt', 'x');
      await run(root, 'add', 'new.txt');
      unlinkSync(join(root, 'new.txt'));
    },
  },
  {
    title: 'an intent to add',
    act: async (root) => {
      put(root, 'new.txt', 'intended\n');
      await run(root, 'add', '-N', 'new.txt');
    },
  },
  {
    title: 'a change hidden by assume-unchanged and by skip-worktree',
    act: async (root) => {
      await run(root, 'update-index', '--assume-unchanged', 'a.txt');
      await run(root, 'update-index', '--skip-worktree', 'dir/inner.txt');
      put(root, 'a.txt', 'hidden\n');
      put(root, 'dir/inner.txt', 'hidden too\n');
    },
  },
  {
    title: 'a force-added ignored file',
    act: async (root) => {
      put(root, '.git/info/exclude', 'ignored\n');
      put(root, 'ignored', 'x\n');
      await run(root, 'add', '-f', 'ignored');
      put(root, 'ignored', 'y\n');
    },
  },
  {
    title: 'a split index',
    act: async (root) => {
      await run(root, 'update-index', '--split-index');
      put(root, 'a.txt', 'split\n');
      await run(root, 'add', 'a.txt');
    },
  },
];

for (const { title, act, absent = [] } of rows) {
  test(`the worktree holds what the caller sees, after ${title}, and the caller is untouched`, async () => {
    const root = await makeRepository(workspace, user, files);
    await act(root);
    const before = snapshot(root);
    const worktree = await make(planFor(workspace, root, user));
    const skip = (path: string) => isGit(path) || absent.includes(path);
    assert.deepEqual(snapshot(worktree.path, skip), snapshot(root, skip));
    assert.deepEqual(snapshot(root), before);
    assert.deepEqual(worktree.warnings, []);
    assert.equal((await git(worktree.path, user, ['status', '--porcelain'])).toString(), '');
    rmSync(join(root, '../moved-dir'), { recursive: true, force: true });
  });
}

test('a file in whose place the caller has a repository stays as it was, and that is told', async () => {
  const root = await makeRepository(workspace, user, files);
  unlinkSync(join(root, 'a.txt'));
  put(root, 'a.txt/inner', 'inner\n');
  await run(join(root, 'a.txt'), 'init', '-q');
  await run(join(root, 'a.txt'), 'add', 'inner');
  await run(join(root, 'a.txt'), 'commit', '-qm', 'theirs');
  put(root, 'run.sh', 'changed\n');
  const worktree = await make(planFor(workspace, root, user));
  assert.equal(readFileSync(join(worktree.path, 'a.txt'), 'utf8'), files['a.txt']);
  assert.equal(readFileSync(join(worktree.path, 'run.sh'), 'utf8'), 'changed\n');
  assert.deepEqual(worktree.left, ['a.txt']);
  assert.match(
    worktree.warnings.join(),
    /repositories in the place of files were not carried over: "a\.txt"/,
  );
});

test('file names that are not UTF-8 arrive', async () => {
  const root = await makeRepository(workspace, user);
  writeFileSync(Buffer.from(`${root}/\xff\xfe`, 'latin1'), 'odd');
  await git(root, user, ['add', '-A']);
  const worktree = await make(planFor(workspace, root, user));
  assert.deepEqual(snapshot(worktree.path, isGit), snapshot(root, isGit));
});

test('an unchanged tree starts from HEAD itself, a changed one from a commit on top of it', async () => {
  const root = await makeRepository(workspace, user);
  const head = (await run(root, 'rev-parse', 'HEAD')).toString().trim();
  assert.equal((await make(planFor(workspace, root, user))).baselineCommit, head);
  put(root, 'a.txt', 'changed\n');
  const worktree = await make(planFor(workspace, root, user));
  assert.notEqual(worktree.baselineCommit, head);
  assert.equal((await run(worktree.path, 'rev-parse', 'HEAD~1')).toString().trim(), head);
});

test('changes on a commit whose time no commit of git could have are taken all the same', async () => {
  const root = await makeRepository(workspace, user);
  const tree = (await run(root, 'rev-parse', 'HEAD^{tree}')).toString().trim();
  for (const time of ['99999999999999999999', '-1']) {
    const commit = `tree ${tree}\nauthor Ada <a> 0 +0000\ncommitter Ada <a> ${time} +0000\n\nodd\n`;
    const hash = ['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'];
    const id = (await git(root, user, hash, Buffer.from(commit))).toString().trim();
    await run(root, 'update-ref', 'HEAD', id);
    put(root, 'a.txt', `${time}\n`);
    const worktree = await make(planFor(workspace, root, user));
    assert.equal(worktree.headCommit, id);
    assert.equal(readFileSync(join(worktree.path, 'a.txt'), 'utf8'), `${time}\n`);
  }
});

test("the user's own clean filter shapes the baseline, and line endings are normalised as git would", async () => {
  const filtering = makeUser(workspace, '[filter "upper"]\n\tclean = tr a-z A-Z\n\trequired = true\n');
  const root = await makeRepository(workspace, filtering, {
    '.gitattributes': '*.up filter=upper\n*.norm text\n',
    'a.up': 'abc\n',
    'a.norm': 'x\n',
  });
  put(root, 'a.up', 'changed\n');
  put(root, 'a.norm', 'changed\r\n');
  const worktree = await make(planFor(workspace, root, filtering));
  assert.equal(readFileSync(join(worktree.path, 'a.up'), 'utf8'), 'CHANGED\n');
  assert.equal(readFileSync(join(worktree.path, 'a.norm'), 'utf8'), 'changed\n');
  assert.deepEqual(worktree.warnings, []);
});

test('a base ref at HEAD carries uncommitted changes; another one does not, and says so', async () => {
  const root = await makeRepository(workspace, user);
  await run(root, 'branch', 'same');
  put(root, 'a.txt', 'changed\n');
  const same = await make(planFor(workspace, root, user, { baseRef: 'same' }));
  assert.equal(readFileSync(join(same.path, 'a.txt'), 'utf8'), 'changed\n');
  await run(root, 'commit', '-qam', 'second');
  put(root, 'a.txt', 'changed again\n');
  const older = await make(planFor(workspace, root, user, { baseRef: 'HEAD~1' }));
  assert.equal(readFileSync(join(older.path, 'a.txt'), 'utf8'), 'one\n');
  assert.match(older.warnings.join(), /uncommitted changes were not carried/);
});

test('a base ref that names no commit is refused', async () => {
  const root = await makeRepository(workspace, user);
  for (const baseRef of ['missing', '--all', '^HEAD', '', 'a\0b', 'HEAD:a.txt']) {
    expectCode(await makeWorktree(planFor(workspace, root, user, { baseRef })), 'base_ref_not_found');
  }
});

/** A repository in the midst of a merge, at `ours`. */
async function makeConflict(): Promise<string> {
  const root = await makeRepository(workspace, user);
  await run(root, 'checkout', '-qb', 'other');
  put(root, 'a.txt', 'theirs\n');
  await run(root, 'commit', '-qam', 'theirs');
  await run(root, 'checkout', '-q', '-');
  put(root, 'a.txt', 'ours\n');
  await run(root, 'commit', '-qam', 'ours');
  await assert.rejects(run(root, 'merge', '-q', 'other'));
  return root;
}

test('an index that was cut short is refused, not read as one of other files', async () => {
  const root = await makeRepository(workspace, user, { 'a.txt': 'one\n', 'b.txt': 'two\n' });
  const index = join(root, '.git/index');
  const whole = readFileSync(index);
  for (const length of [0, 4, 12, 40, 100]) {
    writeFileSync(index, whole.subarray(0, length));
    const made = await makeWorktree(planFor(workspace, root, user));
    expectCode(made, 'worktree_failed');
    assert.match(made.ok ? '' : made.fault.message, /the index is damaged/, String(length));
  }
});

test('an index with conflicts is refused and leaves nothing', async () => {
  const root = await makeConflict();
  const plan = planFor(workspace, root, user, { repositoriesDirectory: join(workspace, 'conflict') });
  expectCode(await makeWorktree(plan), 'unmerged_index');
  assert.deepEqual(leftovers(plan.repositoriesDirectory), []);
});

test('conflicts are no hindrance where nothing of the index is carried', async () => {
  const root = await makeConflict();
  const other = await make(planFor(workspace, root, user, { baseRef: 'other' }));
  assert.equal(readFileSync(join(other.path, 'a.txt'), 'utf8'), 'theirs\n');
  const alone = await make(planFor(workspace, root, user, { uncommitted: false }));
  assert.equal(readFileSync(join(alone.path, 'a.txt'), 'utf8'), 'ours\n');
});

test('a missing git, a foreign owner and missing objects are told apart', async () => {
  const root = await makeRepository(workspace, user);
  expectCode(
    await makeWorktree(planFor(workspace, root, { ...user, PATH: '/nonexistent' })),
    'git_not_found',
  );
  const relative = { ...user, PATH: '.:relative' };
  expectCode(await makeWorktree(planFor(workspace, root, relative)), 'git_not_found');
  const blob = (await run(root, 'rev-parse', 'HEAD:a.txt')).toString().trim();
  rmSync(join(root, '.git/objects', blob.slice(0, 2), blob.slice(2)));
  const outcome = await makeWorktree(planFor(workspace, root, user));
  expectCode(outcome, 'worktree_failed');
  assert.match(outcome.ok ? '' : outcome.fault.message, /git fetch --refetch/);
});

test('a repository of another owner is refused until the user trusts it', {
  skip: process.getuid?.() !== 0,
}, async () => {
  const root = await makeRepository(workspace, user);
  chownSync(root, 12_345, 12_345);
  chownSync(join(root, '.git'), 12_345, 12_345);
  expectCode(await makeWorktree(planFor(workspace, root, user)), 'repository_not_trusted');
  const trusting = makeUser(workspace, `[safe]\n\tdirectory = ${root}\n`);
  await make(planFor(workspace, root, trusting));
});

test('shallow clones, sha256, linked worktrees and submodule checkouts work', async () => {
  const origin = await makeRepository(workspace, user);
  put(origin, 'a.txt', 'two\n');
  await run(origin, 'commit', '-qam', 'second');
  const shallow = join(workspace, 'shallow');
  await run(workspace, 'clone', '-q', '--depth', '1', `file://${origin}`, shallow);
  const sha256 = await makeRepository(workspace, user, { 'a.txt': 'a' }, ['--object-format=sha256']);
  const linked = join(workspace, 'linked');
  await run(origin, 'worktree', 'add', '-q', linked);
  await run(sha256, 'status');
  const outer = await makeRepository(workspace, user);
  await run(outer, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', origin, 'inner');
  for (const root of [shallow, sha256, linked, join(outer, 'inner')]) {
    put(root, 'a.txt', 'changed\n');
    const worktree = await make(planFor(workspace, root, user));
    assert.deepEqual(snapshot(worktree.path, isGit), snapshot(root, isGit));
    await git(worktree.path, user, ['log', '--oneline']);
    await git(worktree.path, user, ['commit', '-q', '--allow-empty', '-m', 'of the agent']);
  }
});

test("the agent's git has a name, the caller's excludes, and cannot reach the caller's refs", async () => {
  const root = await makeRepository(workspace, user);
  put(root, '.git/info/exclude', 'secret\n');
  const before = snapshot(root);
  const worktree = await make(planFor(workspace, root, user));
  const agent = { PATH: user.PATH ?? '', HOME: '/nonexistent' };
  put(worktree.path, 'secret', 'x');
  put(worktree.path, 'a.txt', 'changed\n');
  assert.equal((await git(worktree.path, agent, ['status', '--porcelain'])).toString(), ' M a.txt\n');
  await git(worktree.path, agent, ['commit', '-qam', 'work']);
  await git(worktree.path, agent, ['stash', 'list']);
  await git(worktree.path, agent, ['gc', '-q', '--prune=now']);
  assert.match((await git(worktree.path, agent, ['log', '-1', '--format=%an'])).toString(), /^Ada$/m);
  assert.deepEqual(snapshot(root), before);
});

test('a worktree is made again over what an earlier attempt left', async () => {
  const root = await makeRepository(workspace, user);
  const plan = planFor(workspace, root, user);
  const first = await make(plan);
  put(first.path, 'left', 'x');
  put(slotOf(first), 'git/index.lock', '');
  const second = await make(plan);
  assert.equal(second.path, first.path);
  assert.equal(existsSync(join(second.path, 'left')), false);
});

test('a stop at any moment leaves nothing', async () => {
  const root = await makeRepository(workspace, user, files);
  put(root, 'a.txt', 'changed\n');
  const repositoriesDirectory = join(workspace, 'stopped');
  for (const delay of [0, 5, 10, 20, 40, 60, 80, 100]) {
    const signal = AbortSignal.timeout(delay);
    const outcome = await makeWorktree(planFor(workspace, root, user, { repositoriesDirectory, signal }));
    if (outcome.ok) rmSync(dirname(outcome.value.path), { recursive: true });
    else expectCode(outcome, 'worktree_failed');
    assert.deepEqual(leftovers(repositoriesDirectory), []);
  }
});

test('a stop ends a clean filter of the user that hangs', { timeout: 120_000 }, async () => {
  const started = join(workspace, 'filter-started');
  const hanging = makeUser(workspace, `[filter "hang"]\n\tclean = "echo $$ > ${started}; sleep 600"\n`);
  const root = await makeRepository(workspace, user, { 'a.txt': 'one\n' });
  put(root, '.git/info/attributes', '* filter=hang\n');
  put(root, 'a.txt', 'changed\n');
  const stop = new AbortController();
  const outcome = makeWorktree(planFor(workspace, root, hanging, { signal: stop.signal }));
  while (!existsSync(started) || readFileSync(started, 'utf8') === '') await nextCheck(10);
  stop.abort();
  expectCode(await outcome, 'worktree_failed');
  await gone(Number(readFileSync(started, 'utf8')));
});

test('sixteen worktrees of one repository are made at once', async () => {
  const root = await makeRepository(workspace, user, files);
  put(root, 'a.txt', 'changed\n');
  const before = snapshot(root);
  const worktrees = await Promise.all(Array.from({ length: 16 }, () => make(planFor(workspace, root, user))));
  assert.equal(new Set(worktrees.map(({ path }) => path)).size, 16);
  for (const { path } of worktrees) assert.equal(readFileSync(join(path, 'a.txt'), 'utf8'), 'changed\n');
  assert.deepEqual(snapshot(root), before);
});

/** Slots and trash below a directory of repositories. */
function leftovers(repositoriesDirectory: string): string[] {
  if (!existsSync(repositoriesDirectory)) return [];
  return readdirSync(repositoriesDirectory).flatMap((repository) =>
    ['slots', 'trash'].flatMap((kind) => {
      const directory = join(repositoriesDirectory, repository, kind);
      return existsSync(directory) ? readdirSync(directory) : [];
    }),
  );
}
