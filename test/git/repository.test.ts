import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { findRepository } from '../../src/git/repository.js';
import {
  expectCode,
  expectValue,
  git,
  makeRepository,
  makeUser,
  makeWorkspace,
  put,
} from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);

test('a repository is found from its root and from below', async () => {
  const root = await makeRepository(workspace, user, { 'deep/er/a.txt': 'a' });
  const gitDirectory = join(root, '.git');
  const expected = { root, gitDirectory, commonDirectory: gitDirectory };
  assert.deepEqual(expectValue(await findRepository(root)), { ...expected, subdirectory: '' });
  assert.deepEqual(expectValue(await findRepository(join(root, 'deep/er'))), {
    ...expected,
    subdirectory: 'deep/er',
  });
});

test('a symbolic link to a repository leads to its real path', async () => {
  const root = await makeRepository(workspace, user);
  symlinkSync(root, join(workspace, 'link'));
  assert.equal(expectValue(await findRepository(join(workspace, 'link'))).root, root);
});

test('a linked worktree shares the common directory of its repository', async () => {
  const root = await makeRepository(workspace, user);
  const linked = join(workspace, 'linked');
  await git(root, user, ['worktree', 'add', '-q', linked]);
  const found = expectValue(await findRepository(linked));
  assert.equal(found.root, linked);
  assert.equal(found.gitDirectory, join(root, '.git/worktrees/linked'));
  assert.equal(found.commonDirectory, join(root, '.git'));
});

test('a submodule is a repository of its own', async () => {
  const inner = await makeRepository(workspace, user);
  const root = await makeRepository(workspace, user);
  await git(root, user, ['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner, 'inner']);
  const found = expectValue(await findRepository(join(root, 'inner')));
  assert.equal(found.root, join(root, 'inner'));
  assert.equal(found.gitDirectory, join(root, '.git/modules/inner'));
});

test('HEAD may be detached, packed or behind a symbolic ref', async () => {
  const root = await makeRepository(workspace, user);
  await git(root, user, ['pack-refs', '--all']);
  expectValue(await findRepository(root));
  await git(root, user, ['checkout', '-q', '--detach']);
  expectValue(await findRepository(root));
  await git(root, user, ['branch', 'target']);
  await git(root, user, ['symbolic-ref', 'refs/heads/alias', 'refs/heads/target']);
  await git(root, user, ['symbolic-ref', 'HEAD', 'refs/heads/alias']);
  expectValue(await findRepository(root));
});

test('the branch that HEAD is at may have a name that is not UTF-8', async () => {
  const root = await makeRepository(workspace, user);
  const name = Buffer.from('refs/heads/d\xe9but', 'latin1');
  const id = (await git(root, user, ['rev-parse', 'HEAD'])).toString();
  writeFileSync(Buffer.concat([Buffer.from(`${root}/.git/`), name]), id);
  writeFileSync(join(root, '.git/HEAD'), Buffer.concat([Buffer.from('ref: '), name, Buffer.from('\n')]));
  assert.equal((await git(root, user, ['rev-parse', 'HEAD'])).toString(), id);
  expectValue(await findRepository(root));
});

test('what is no directory of a repository is refused with its reason', async () => {
  const file = join(workspace, 'file');
  writeFileSync(file, '');
  for (const path of [
    'relative',
    '',
    '~',
    join(workspace, 'missing'),
    file,
    `${workspace}\0`,
    `${workspace}\n`,
  ]) {
    expectCode(await findRepository(path), 'invalid_workspace_root');
  }
  const plain = join(workspace, 'plain');
  mkdirSync(plain);
  expectCode(await findRepository(plain), 'not_a_git_repo');
  mkdirSync(join(plain, '.git'));
  expectCode(await findRepository(plain), 'not_a_git_repo');
});

test('a configuration of blank lines is read with little processor time', async () => {
  const root = await makeRepository(workspace, user);
  const config = join(root, '.git/config');
  const blank = '\n'.repeat(100_000);
  const before = process.cpuUsage();
  writeFileSync(config, `${blank}[core]${blank}repositoryformatversion = 0\n`);
  expectValue(await findRepository(root));
  writeFileSync(config, `[core]\n\tbare\t= true \r\n${blank}`);
  expectCode(await findRepository(root), 'bare_repository');
  const { user: inUser, system } = process.cpuUsage(before);
  assert.ok(inUser + system < 5_000_000, `${inUser + system} µs`);
});

test('a bare repository, and the inside of a git directory, are refused', async () => {
  const root = await makeRepository(workspace, user);
  const bare = join(workspace, 'bare.git');
  await git(root, user, ['clone', '-q', '--bare', root, bare]);
  expectCode(await findRepository(bare), 'bare_repository');
  expectCode(await findRepository(join(root, '.git')), 'bare_repository');
  expectCode(await findRepository(join(root, '.git/refs')), 'bare_repository');
  await git(root, user, ['config', 'core.bare', 'true']);
  expectCode(await findRepository(root), 'bare_repository');
});

test('a repository without a commit is refused', async () => {
  const root = await makeRepository(workspace, user);
  await git(root, user, ['checkout', '-q', '--orphan', 'unborn']);
  expectCode(await findRepository(root), 'no_commit');
});

test('a named pipe in place of a file of git does not make the search wait', async () => {
  const root = await makeRepository(workspace, user);
  rmSync(join(root, '.git/HEAD'));
  await execa('mkfifo', [join(root, '.git/HEAD')]);
  expectCode(await findRepository(root), 'not_a_git_repo');
  const linked = join(workspace, 'piped');
  put(linked, 'a', '');
  await execa('mkfifo', [join(linked, '.git')]);
  expectCode(await findRepository(linked), 'not_a_git_repo');
});
