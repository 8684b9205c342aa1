import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { removeWorktree } from '../../src/git/removal.js';
import {
  applied,
  capture,
  git,
  isGit,
  make,
  makeRepository,
  makeUser,
  makeWorkspace,
  planFor,
  put,
  slotOf,
  snapshot,
} from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);

test('a file of 5 GiB is left out by name, the rest is in the patch, and the worktree goes', async () => {
  const root = await makeRepository(workspace, user);
  const worktree = await make(planFor(workspace, root, user));
  put(worktree.path, 'a.txt', 'changed\n');
  put(worktree.path, 'huge', '');
  truncateSync(join(worktree.path, 'huge'), 5 * 1024 ** 3);
  const { report, files } = await capture(workspace, worktree, user);
  assert.match(report.leftOut ?? '', /It is without "huge" \(5368709120 bytes\)\.$/);
  assert.deepEqual(
    files.map(({ path }) => path),
    ['a.txt'],
  );
  await removeWorktree(slotOf(worktree));
  assert.equal(existsSync(slotOf(worktree)), false);
});

/** Makes directories in one another until no absolute path leads there, each with a file, a pipe and a git directory. */
const goDeep = `
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
const long = Array(Math.floor((4000 - process.cwd().length) / 201)).fill('d'.repeat(200));
for (const name of [...long, ...Array(200).fill('d')]) {
  mkdirSync(name);
  process.chdir(name);
  writeFileSync('f', 'deep');
  mkdirSync('.git');
  execFileSync('mkfifo', ['p']);
}
`;

test('what lies too deep for the system is left out with a warning, and the rest is in the patch', async () => {
  const root = await makeRepository(workspace, user);
  const worktree = await make(planFor(workspace, root, user));
  put(worktree.path, 'a.txt', 'changed\n');
  try {
    await execa(process.execPath, ['--input-type=module', '-e', goDeep], { cwd: worktree.path });
    const { files, report } = await capture(workspace, worktree, user);
    const [first, ...deep] = files.map(({ path }) => path);
    assert.equal(first, 'a.txt');
    assert.ok(deep.length > 100, `${deep.length}`);
    assert.match(
      report.warnings.join('\n'),
      /Files and directories that could not be read were left out: \d\./,
    );
  } finally {
    await removeWorktree(slotOf(worktree));
  }
  assert.equal(existsSync(slotOf(worktree)), false);
  assert.deepEqual(readdirSync(join(dirname(dirname(slotOf(worktree))), 'trash')), []);
});

const canFix = (): boolean => {
  const path = join(mkdtempSync(join(workspace, 'fixed-')), 'file');
  writeFileSync(path, '');
  try {
    execFileSync('chattr', ['+i', path], { stdio: 'ignore' });
    execFileSync('chattr', ['-i', path]);
    return true;
  } catch {
    return false;
  }
};

/** What only root can do, and even root cannot change, rename or remove until it is undone. */
const fixings: Record<string, (tree: string) => string[]> = {
  'the whole checkout': (tree) => [join(tree, '.git'), join(tree, 'new.txt'), tree],
  'a directory that holds a repository, and nobody may enter': (tree) => {
    execFileSync('git', ['init', '-q', join(tree, 'dir/nested')]);
    chmodSync(join(tree, 'dir/nested'), 0);
    return [join(tree, 'dir/nested'), join(tree, 'dir')];
  },
  'a file that nobody may read': (tree) => {
    chmodSync(join(tree, 'dir/inner.txt'), 0);
    return [join(tree, 'dir/inner.txt')];
  },
};

for (const [title, fix] of Object.entries(fixings)) {
  test(`what an agent made unchangeable is in the patch, and the worktree goes: ${title}`, {
    skip: canFix() ? false : 'nobody may set such flags here',
  }, async () => {
    const root = await makeRepository(workspace, user, { 'a.txt': 'one\n', 'dir/inner.txt': 'inner\n' });
    const worktree = await make(planFor(workspace, root, user));
    put(worktree.path, 'new.txt', 'new\n');
    put(worktree.path, 'dir/inner.txt', 'changed\n');
    put(worktree.path, 'dir/nested/file', 'nested\n');
    for (const path of fix(worktree.path)) execFileSync('chattr', ['+i', path]);
    const { files, patch } = await capture(workspace, worktree, user);
    assert.deepEqual(
      files.map(({ path }) => path),
      ['dir/inner.txt', 'dir/nested/file', 'new.txt'],
    );
    assert.deepEqual(await applied(workspace, worktree, user, patch), snapshot(worktree.path, isGit));
    await removeWorktree(slotOf(worktree));
    assert.equal(existsSync(slotOf(worktree)), false);
    assert.deepEqual(readdirSync(join(dirname(dirname(slotOf(worktree))), 'trash')), []);
  });
}

/** Runs the steps of a job, and a shell for the agent, as a user who is not root: for root, no directory is closed. */
const jobOfNobody = `
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
const [sources, plan, agent, afterwards] = [process.argv[1], JSON.parse(process.argv[2]), ...process.argv.slice(3)];
const load = (name) => import(sources + '/' + name + '.js');
const { makeWorktree } = await load('worktree');
const { capturePatch } = await load('patch');
const { removeWorktree } = await load('removal');
const signal = new AbortController().signal;
const made = await makeWorktree({ ...plan, signal });
if (!made.ok) throw new Error(made.fault.message);
const tree = made.value.path;
execFileSync('sh', ['-ec', agent], { cwd: tree });
const captured = await capturePatch({
  slotDirectory: dirname(tree), baselineCommit: made.value.baselineCommit, environment: plan.environment, signal,
  patchFile: plan.artifacts + '/patch', filesFile: plan.artifacts + '/files.json',
});
if (!captured.ok) throw new Error(captured.fault.message);
execFileSync('sh', ['-ec', afterwards], { cwd: tree });
await removeWorktree(dirname(tree));
console.log(captured.value.files, existsSync(dirname(tree)));
`;

/** What the agent does, how many files are in its patch, and what else happens before the worktree goes. */
const closings: Record<string, [agent: string, files: number, afterwards?: string]> = {
  'directories and files that nobody may enter or read': [
    `mkdir -p closed/inner; echo x >closed/inner/file; echo x >unreadable
     chmod 0 unreadable closed/inner; chmod 500 closed`,
    2,
    'chmod 0 closed',
  ],
  'the git directory, which nobody may write': ['echo x >new; chmod 555 .git', 1],
  'all that there is, which nobody may write': ['echo x >new; chmod -R a-w .', 1],
  'a repository in it, which nobody may write': ['git init -q own; echo x >own/f; chmod -R a-w own', 1],
  'a file of another user that is closed, among others': ['echo x >new; mv "$HOME/theirs" theirs', 1],
  'a repository in the place of a submodule, which nobody may write': [
    'echo x >new; git init -q sub; chmod -R a-w sub',
    1,
  ],
};

for (const [title, [agent, files, afterwards = '']] of Object.entries(closings)) {
  test(`what an agent that is not root closed is in the patch, and the worktree goes: ${title}`, {
    skip: process.getuid?.() !== 0,
  }, async () => {
    const nobody = 65_534;
    const directory = mkdtempSync(join(workspace, 'of-nobody-'));
    const root = await makeRepository(directory, user);
    const inner = await makeRepository(directory, user);
    await git(root, user, ['-c', 'protocol.file.allow=always', 'submodule', '-q', 'add', inner, 'sub']);
    await git(root, user, ['commit', '-qm', 'submodule']);
    const home = join(directory, 'home');
    const artifacts = join(directory, 'artifacts');
    for (const path of [home, artifacts]) mkdirSync(path);
    await execa('chown', ['-R', String(nobody), directory]);
    put(home, 'theirs', 'theirs');
    chmodSync(join(home, 'theirs'), 0o600);
    chmodSync(workspace, 0o755);
    chownSync(directory, nobody, nobody);
    const environment = { HOME: home, PATH: user.PATH ?? '' };
    const plan = { ...planFor(directory, root, environment), signal: undefined, artifacts };
    const sources = fileURLToPath(new URL('../../src/git', import.meta.url));
    const job = [jobOfNobody, sources, JSON.stringify(plan), agent, afterwards];
    const done = await execa(
      'setpriv',
      [`--reuid=${nobody}`, '--clear-groups', process.execPath, '--input-type=module', '-e', ...job],
      { cwd: directory, env: environment, extendEnv: false },
    );
    assert.equal(done.stdout, `${files} false`);
  });
}
