import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { succeed } from '../../src/errors.js';
import { withCaller } from '../../src/git/caller.js';
import { preview } from '../../src/git/preview.js';
import { findRepository } from '../../src/git/repository.js';
import { idleOf, slotDirectory, slotLayout } from '../../src/git/slot.js';
import { makeWorktree } from '../../src/git/worktree.js';
import {
  expectCode,
  expectValue,
  git,
  isGit,
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

const workspace = makeWorkspace();
const plain = makeUser(workspace);

const idOf = async (root: string, name: string): Promise<string> =>
  (await git(root, plain, ['rev-parse', name])).toString().trim();

/** A repository at branch `one`, with a branch `two` in which the first and the last file are others. */
async function makeBranches(): Promise<string> {
  const files = {
    '.gitattributes': 'm.txt filter=user\n',
    'a.txt': 'one\n',
    'm.txt': 'm\n',
    'z.txt': 'one\n',
  };
  const root = await makeRepository(workspace, plain, files);
  await git(root, plain, ['branch', '-qM', 'one']);
  await git(root, plain, ['checkout', '-qb', 'two']);
  for (const name of ['a.txt', 'z.txt']) put(root, name, 'two\n');
  await git(root, plain, ['commit', '-qam', 'two']);
  await git(root, plain, ['checkout', '-q', 'one']);
  return root;
}

/** A user whose own filter, the first time that it cleans, switches branches in the middle of our work. */
async function switchingUser(root: string, seconds = 0): Promise<Record<string, string>> {
  const script = join(root, '.git/clean');
  const once = join(root, '.git/switched');
  const change = `env -i PATH="$PATH" HOME='${plain.HOME}' git -C '${root}' checkout -q two`;
  writeFileSync(script, `[ -e '${once}' ] || { : >'${once}'; ${change}; sleep ${seconds}; }\ncat\n`);
  // Not younger than their index, files are compared by content, which the filter cleans.
  utimesSync(join(root, '.git/index'), 1, 1);
  return makeUser(workspace, `[filter "user"]\n\tclean = sh '${script}'\n`);
}

test('a switch of branches while the baseline is taken gives the files of one of them', async () => {
  const root = await makeBranches();
  const worktree = await make(planFor(workspace, root, await switchingUser(root)));
  assert.deepEqual(
    [await idOf(root, 'HEAD'), worktree.headCommit, worktree.baselineCommit],
    Array(3).fill(await idOf(root, 'two')),
  );
  assert.deepEqual(worktree.warnings, []);
});

test('so does one while that takes longer than anybody is waited for', async () => {
  const root = await makeBranches();
  const worktree = await make(planFor(workspace, root, await switchingUser(root, 6)));
  const two = await idOf(root, 'two');
  assert.deepEqual([worktree.headCommit, worktree.baselineCommit, worktree.warnings], [two, two, []]);
});

/** An idle slot of the repository: the inode of its checkout, and the directory that idle ones lie in. */
async function makeIdle(root: string): Promise<{ inode: number; idle: string }> {
  const worktree = await make(planFor(workspace, root, plain));
  const { ino } = statSync(worktree.path);
  assert.equal(await releaseSlot(worktree, plain), 'kept');
  return { inode: ino, idle: idleOf(slotOf(worktree)) };
}

test('a switch of branches while a job begins in an idle slot does not take the slot from it', async () => {
  const root = await makeBranches();
  const { inode } = await makeIdle(root);
  const worktree = await make(planFor(workspace, root, await switchingUser(root), { warm: true }));
  const two = await idOf(root, 'two');
  assert.deepEqual([worktree.headCommit, worktree.baselineCommit, worktree.warnings], [two, two, []]);
  assert.deepEqual(snapshot(worktree.path, isGit), snapshot(root, isGit));
  assert.equal(statSync(worktree.path).ino, inode);
});

test('a job that is refused for what the caller has leaves the idle slot to the next', async () => {
  const root = await makeBranches();
  const { inode, idle } = await makeIdle(root);
  put(root, 'a.txt', 'another\n');
  await git(root, plain, ['commit', '-qam', 'other']);
  await assert.rejects(git(root, plain, ['merge', '-q', 'two']));
  expectCode(await makeWorktree(planFor(workspace, root, plain, { warm: true })), 'unmerged_index');
  assert.deepEqual(
    readdirSync(idle).map((name) => statSync(slotLayout(join(idle, name)).checkout).ino),
    [inode],
  );
  await git(root, plain, ['merge', '--abort']);
  const worktree = await make(planFor(workspace, root, plain, { warm: true }));
  assert.deepEqual(snapshot(worktree.path, isGit), snapshot(root, isGit));
  assert.equal(statSync(worktree.path).ino, inode);
});

test('a job to which the system refuses something while its baseline is taken leaves the idle slot to the next', async () => {
  const root = await makeBranches();
  const { inode, idle } = await makeIdle(root);
  const mirrors = join(idle, '../mirrors');
  rmSync(mirrors, { recursive: true });
  writeFileSync(mirrors, 'no directory');
  const refused = await makeWorktree(planFor(workspace, root, plain, { warm: true }));
  assert.match(refused.ok ? '' : refused.fault.message, /The system refused .* ENOTDIR/);
  rmSync(mirrors);
  const worktree = await make(planFor(workspace, root, plain, { warm: true }));
  assert.deepEqual(snapshot(worktree.path, isGit), snapshot(root, isGit));
  assert.equal(statSync(worktree.path).ino, inode);
});

test('a caller who is back at the same commit by the time that is asked for is asked again all the same', async () => {
  const root = await makeBranches();
  const repository = expectValue(await findRepository(root));
  const plan = planFor(workspace, root, plain);
  let used = 0;
  const answer = await withCaller(repository, plan, async ({ headCommit }) => {
    used += 1;
    return used === 1 ? null : succeed(headCommit);
  });
  assert.deepEqual([expectValue(answer), used], [await idOf(root, 'HEAD'), 2]);
});

test('a repository that is removed while a job begins, or is looked at for one, is told to be gone', async () => {
  for (const begin of [makeWorktree, preview]) {
    const root = await makeRepository(workspace, plain, { 'a.txt': 'a\n' });
    // A git before which, the first time that it is asked, somebody removes the repository.
    const programs = join(workspace, `removing-${begin.name}`);
    mkdirSync(programs);
    const script = `#!/bin/sh\nrm -rf '${root}'\nPATH='${plain.PATH}' exec git "$@"\n`;
    writeFileSync(join(programs, 'git'), script, { mode: 0o755 });
    const removing = { ...plain, PATH: `${programs}:${plain.PATH}` };
    const refused = await begin(planFor(workspace, root, removing));
    expectCode(refused, 'invalid_workspace_root');
    assert.equal(refused.ok || refused.fault.message, 'The repository was removed or moved meanwhile.');
  }
});

test('a preview tells of one of two branches, too', async () => {
  const root = await makeBranches();
  const told = expectValue(await preview(planFor(workspace, root, await switchingUser(root))));
  const two = await idOf(root, 'two');
  assert.deepEqual([told.baseCommit, told.baselineCommit, told.uncommitted], [two, two, 0]);
});

test('a caller who commits without a pause gets a worktree all the same, and is told', async () => {
  const root = await makeBranches();
  const script = join(root, '.git/clean');
  const commit = `cd '${root}'; git update-ref HEAD "$(git commit-tree -p HEAD -m on 'HEAD^{tree}')"`;
  writeFileSync(`${script}-commit`, commit);
  writeFileSync(script, `env -i PATH="$PATH" HOME='${plain.HOME}' sh '${script}-commit'\ncat\n`);
  utimesSync(join(root, '.git/index'), 1, 1);
  const committing = makeUser(workspace, `[filter "user"]\n\tclean = sh '${script}'\n`);
  const worktree = await make(planFor(workspace, root, committing));
  assert.notEqual(await idOf(root, 'HEAD'), worktree.headCommit);
  assert.equal(
    await idOf(root, 'HEAD^{tree}'),
    (await git(worktree.path, plain, ['rev-parse', 'HEAD^{tree}'])).toString().trim(),
  );
  assert.match(worktree.warnings.join(), /Another git was changing files/);
});

test('a switch of branches that is at work is waited for', { timeout: 60_000 }, async (t) => {
  // However slow the machine is, patience does not end.
  t.mock.method(performance, 'now', () => 0);
  const root = await makeBranches();
  const go = join(workspace, 'go');
  const wait = `while [ ! -e '${go}' ]; do sleep 0.02; done; cat`;
  const waiting = makeUser(workspace, `[filter "user"]\n\tsmudge = ${JSON.stringify(wait)}\n`);
  rmSync(join(root, 'm.txt'));
  const switching = git(root, waiting, ['checkout', '-qf', 'two']);
  while (!existsSync(join(root, '.git/index.lock'))) await delay(10);
  const plan = planFor(workspace, root, plain);
  const making = make(plan);
  const { gitDirectory } = slotLayout(
    slotDirectory(plan.repositoriesDirectory, join(root, '.git'), plan.slot),
  );
  while (!existsSync(gitDirectory)) await delay(1);
  writeFileSync(go, '');
  const [worktree] = await Promise.all([making, switching]);
  const two = await idOf(root, 'two');
  assert.deepEqual([worktree.headCommit, worktree.baselineCommit, worktree.warnings], [two, two, []]);
});

test('a lock that a dead git left holds a job up for seconds, and is told of; a written one is no hindrance', async () => {
  const root = await makeBranches();
  const lock = join(root, '.git/index.lock');
  writeFileSync(lock, 'the index of a commit whose message is being written');
  assert.deepEqual((await make(planFor(workspace, root, plain))).warnings, []);
  writeFileSync(lock, '');
  const before = snapshot(root);
  const worktree = await make(planFor(workspace, root, plain));
  assert.match(worktree.warnings.join(), /died and left .git\/index.lock/);
  assert.deepEqual(snapshot(root), before);
});

test('a HEAD that leads to an annotated tag has not moved', async () => {
  const root = await makeRepository(workspace, plain);
  await git(root, plain, ['tag', '-a', 'first', '-m', 'first']);
  await git(root, plain, ['symbolic-ref', 'HEAD', 'refs/tags/first']);
  put(root, 'a.txt', 'changed\n');
  const worktree = await make(planFor(workspace, root, plain));
  assert.deepEqual(worktree.warnings, []);
  assert.deepEqual(snapshot(worktree.path, isGit), snapshot(root, isGit));
  put(root, 'a.txt', 'one\n');
  assert.equal(
    (await make(planFor(workspace, root, plain))).baselineCommit,
    await idOf(root, 'HEAD^{commit}'),
  );
});
