import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeWorktree } from '../../src/git/worktree.js';
import {
  expectCode,
  git,
  make,
  makeRepository,
  makeUser,
  makeWorkspace,
  planFor,
  put,
} from '../support/git.js';

const workspace = realpathSync(makeWorkspace());
const user = makeUser(workspace);

/** The same user with a git that writes down what it is asked. */
function watched(): { user: Record<string, string>; asked(command: string): number } {
  const directory = join(workspace, 'watched');
  const log = join(workspace, 'asked');
  mkdirSync(directory, { recursive: true });
  writeFileSync(log, '');
  const program = join(directory, 'git');
  writeFileSync(program, `#!/bin/sh\necho "$*" >>'${log}'\nPATH='${user.PATH}' exec git "$@"\n`);
  chmodSync(program, 0o700);
  const lines = () => readFileSync(log, 'utf8').split('\n');
  return {
    user: { ...user, PATH: `${directory}:${user.PATH}` },
    asked: (command) => lines().filter((line) => line.includes(` ${command} `)).length,
  };
}

test('git is asked once for what it says of a commit, and where HEAD is at is read anew for each job', async () => {
  const root = await makeRepository(workspace, user);
  const run = (...args: string[]) => git(root, user, args);
  const caller = watched();
  const baseline = async () => (await make(planFor(workspace, root, caller.user))).baselineCommit;
  const first = await baseline();
  assert.equal(await baseline(), first);
  assert.deepEqual([caller.asked('rev-parse'), caller.asked('cat-file')], [1, 1]);
  put(root, 'a.txt', 'two\n');
  await run('commit', '-qam', 'second');
  const second = await baseline();
  assert.equal(second, (await run('rev-parse', 'HEAD')).toString().trim());
  for (const way of [
    ['checkout', '-q', '--detach', first],
    ['pack-refs', '--all'],
    ['gc', '-q'],
  ]) {
    await run(...way);
    assert.equal(await baseline(), first);
  }
  assert.equal(caller.asked('rev-parse'), 2);
});

test('a user who commits while git is asked for HEAD gets neither half of what it was and is', async () => {
  const root = await makeRepository(workspace, user);
  put(root, 'a.txt', 'two\n');
  const directory = join(workspace, 'committing');
  mkdirSync(directory);
  const program = join(directory, 'git');
  const script = `#!/bin/sh
PATH='${user.PATH}'
[ "$2" = rev-parse ] && mkdir '${directory}/once' || exec git "$@"
shift 2
for asked; do
  git rev-parse "$asked"
  [ "$asked" != "HEAD^{commit}" ] || git commit -qam second >/dev/null
done
exit 0
`;
  writeFileSync(program, script);
  chmodSync(program, 0o700);
  const caller = { ...user, PATH: `${directory}:${user.PATH}` };
  const worktree = await make(planFor(workspace, root, caller));
  assert.equal(readFileSync(join(worktree.path, 'a.txt'), 'utf8'), 'two\n');
  await git(root, user, ['reset', '-q', '--soft', 'HEAD~1']);
  const next = await make(planFor(workspace, root, user));
  assert.equal(readFileSync(join(next.path, 'a.txt'), 'utf8'), 'two\n');
});

test('a repository that was known is refused once its working tree is elsewhere', async () => {
  const root = await makeRepository(workspace, user);
  await make(planFor(workspace, root, user));
  await git(root, user, ['config', 'core.worktree', workspace]);
  expectCode(await makeWorktree(planFor(workspace, root, user)), 'worktree_failed');
  await git(root, user, ['config', '--unset', 'core.worktree']);
  await make(planFor(workspace, root, user));
});

test('a repository that was known is refused once it is of another owner', {
  skip: process.getuid?.() !== 0,
}, async () => {
  const root = await makeRepository(workspace, user);
  await make(planFor(workspace, root, user));
  for (const path of [root, join(root, '.git')]) chownSync(path, 12_345, 12_345);
  expectCode(await makeWorktree(planFor(workspace, root, user)), 'repository_not_trusted');
});

test('a ref that each linked worktree has for itself is that of the worktree asked for', async () => {
  const root = await makeRepository(workspace, user);
  const run = (...args: string[]) => git(root, user, args);
  const first = (await run('rev-parse', 'HEAD')).toString().trim();
  put(root, 'a.txt', 'two\n');
  await run('commit', '-qam', 'second');
  await run('update-ref', 'refs/worktree/own', 'HEAD');
  const linked = join(workspace, 'linked-with-own');
  await run('worktree', 'add', '-q', '--detach', linked, 'HEAD');
  const ofLinked = async () => (await make(planFor(workspace, linked, user))).baselineCommit;
  assert.notEqual(await ofLinked(), first);
  await git(linked, user, ['update-ref', 'refs/worktree/own', first]);
  await git(linked, user, ['symbolic-ref', 'HEAD', 'refs/worktree/own']);
  await git(linked, user, ['reset', '-q', '--hard']);
  assert.equal(await ofLinked(), first);
});
