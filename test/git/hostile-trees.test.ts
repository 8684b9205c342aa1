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
import { capturePatch } from '../../src/git/patch.js';
import { removeWorktree } from '../../src/git/removal.js';
import {
  applied,
  capture,
  capturePlanFor,
  expectCode,
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

test('a file of 5 GiB is refused by name, and the worktree goes', async () => {
  const root = await makeRepository(workspace, user);
  const worktree = await make(planFor(workspace, root, user));
  put(worktree.path, 'huge', '');
  truncateSync(join(worktree.path, 'huge'), 5 * 1024 ** 3);
  const plan = capturePlanFor(workspace, worktree, user);
  const outcome = await capturePatch(plan);
  expectCode(outcome, 'patch_too_large');
  assert.match(outcome.ok ? '' : outcome.fault.message, /"huge" \(5368709120 bytes\)/);
  assert.deepEqual(readdirSync(dirname(plan.patchFile)), []);
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

/** Runs the steps of a job as a user who is not root: for root, no directory is closed. */
const jobOfNobody = `
import { chmodSync, mkdirSync, writeFileSync, existsSync } from 'node:fs';
import { dirname } from 'node:path';
const [sources, plan] = [process.argv[1], JSON.parse(process.argv[2])];
const load = (name) => import(sources + '/' + name + '.js');
const { makeWorktree } = await load('worktree');
const { capturePatch } = await load('patch');
const { removeWorktree } = await load('removal');
const signal = new AbortController().signal;
const made = await makeWorktree({ ...plan, signal });
if (!made.ok) throw new Error(made.fault.message);
const tree = made.value.path;
mkdirSync(tree + '/closed/inner', { recursive: true });
writeFileSync(tree + '/closed/inner/file', 'x');
writeFileSync(tree + '/unreadable', 'x');
chmodSync(tree + '/unreadable', 0);
chmodSync(tree + '/closed/inner', 0);
chmodSync(tree + '/closed', 0o500);
const captured = await capturePatch({
  slotDirectory: dirname(tree), baselineCommit: made.value.baselineCommit, environment: plan.environment, signal,
  patchFile: plan.artifacts + '/patch', filesFile: plan.artifacts + '/files.json',
});
if (!captured.ok) throw new Error(captured.fault.message);
chmodSync(tree + '/closed', 0);
await removeWorktree(dirname(tree));
console.log(captured.value.files, existsSync(dirname(tree)));
`;

test('for a user who is not root, closed directories and files are in the patch, and the worktree goes', {
  skip: process.getuid?.() !== 0,
}, async () => {
  const nobody = 65_534;
  const directory = mkdtempSync(join(workspace, 'of-nobody-'));
  const root = await makeRepository(directory, user);
  const home = join(directory, 'home');
  const artifacts = join(directory, 'artifacts');
  for (const path of [home, artifacts]) mkdirSync(path);
  await execa('chown', ['-R', String(nobody), directory]);
  chmodSync(workspace, 0o755);
  chownSync(directory, nobody, nobody);
  const plan = {
    ...planFor(directory, root, { HOME: home, PATH: user.PATH ?? '' }),
    signal: undefined,
    artifacts,
  };
  const sources = fileURLToPath(new URL('../../src/git', import.meta.url));
  const done = await execa(
    'setpriv',
    [
      `--reuid=${nobody}`,
      '--clear-groups',
      process.execPath,
      '--input-type=module',
      '-e',
      jobOfNobody,
      sources,
      JSON.stringify(plan),
    ],
    { cwd: directory, env: { HOME: home, PATH: user.PATH ?? '' }, extendEnv: false },
  );
  assert.equal(done.stdout, '2 false');
});
