import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeWorktree } from '../../src/git/worktree.js';
import {
  capture,
  expectValue,
  git,
  isGit,
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
const marks = join(workspace, 'marks');
mkdirSync(marks);

/** A program that leaves a mark named for who started it, and hands its input through. */
function trap(name: string): string {
  const program = join(workspace, `trap-${name}`);
  put(workspace, `trap-${name}`, `#!/bin/sh\n: > '${marks}/${name}'\nexec cat\n`);
  chmodSync(program, 0o755);
  return program;
}

/** Every setting with which a repository can make git start a program. */
const hostileSettings = (): [string, string][] => [
  ['core.fsmonitor', trap('fsmonitor')],
  ['core.hooksPath', join(workspace, 'hooks')],
  ['core.pager', trap('pager')],
  ['pager.config', trap('pager-config')],
  ['core.editor', trap('editor')],
  ['core.askPass', trap('askpass')],
  ['core.sshCommand', trap('ssh')],
  ['core.gitProxy', trap('proxy')],
  ['core.alternateRefsCommand', trap('alternate-refs')],
  ['filter.evil.clean', trap('clean')],
  ['filter.evil.smudge', trap('smudge')],
  ['filter.evil.process', trap('process')],
  ['filter.evil.required', 'true'],
  ['filter.ev=il.clean', trap('clean-with-equals')],
  ['diff.external', trap('external-diff')],
  ['diff.evil.command', trap('diff-command')],
  ['diff.evil.textconv', trap('textconv')],
  ['merge.evil.driver', trap('merge')],
  ['gpg.program', trap('gpg')],
  ['commit.gpgSign', 'true'],
  ['credential.helper', trap('credential')],
  ['alias.config', `!${trap('alias')}`],
  ['alias.read-tree', `!${trap('alias-read-tree')}`],
  ['remote.origin.url', `ext::${trap('transport')}`],
  ['remote.origin.promisor', 'true'],
  ['remote.origin.uploadpack', trap('upload-pack')],
  ['protocol.ext.allow', 'always'],
  ['extensions.partialClone', 'origin'],
  ['core.repositoryFormatVersion', '1'],
  ['uploadpack.packObjectsHook', trap('pack-objects')],
  ['gc.auto', '1'],
];

const hookNames = [
  'post-checkout',
  'post-index-change',
  'reference-transaction',
  'pre-commit',
  'post-commit',
  'pre-auto-gc',
];

async function poison(root: string): Promise<void> {
  for (const [key, value] of hostileSettings()) await git(root, user, ['config', key, value]);
  for (const hook of hookNames) {
    for (const directory of [join(workspace, 'hooks'), join(root, '.git/hooks')]) {
      put(directory, hook, `#!/bin/sh\n: > '${marks}/hook-${hook}'\n`);
      chmodSync(join(directory, hook), 0o755);
    }
  }
  put(root, '.git/info/attributes', '* filter=evil diff=evil merge=evil\n*.eq filter=ev=il\n');
}

/** Variables of a caller, each of which would start a program or redirect git. */
const hostileVariables = (): Record<string, string> => ({
  GIT_DIR: '/nonexistent',
  GIT_WORK_TREE: '/nonexistent',
  GIT_INDEX_FILE: '/nonexistent',
  GIT_EXTERNAL_DIFF: trap('variable-diff'),
  GIT_PAGER: trap('variable-pager'),
  GIT_EDITOR: trap('variable-editor'),
  GIT_ASKPASS: trap('variable-askpass'),
  GIT_SSH_COMMAND: trap('variable-ssh'),
  GIT_PROXY_COMMAND: trap('variable-proxy'),
  GIT_EXEC_PATH: workspace,
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'core.fsmonitor',
  GIT_CONFIG_VALUE_0: trap('variable-fsmonitor'),
  GIT_TRACE: join(marks, 'trace'),
});

test('no program of a hostile repository, of the agent or of the environment is ever started', async () => {
  const root = await makeRepository(workspace, user, { 'a.txt': 'one\n', 'b.eq': 'two\n' });
  const inner = await makeRepository(workspace, user);
  await git(root, user, ['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner, 'inner']);
  await git(root, user, ['commit', '-qm', 'submodule']);
  await poison(root);
  for (const [key, value] of hostileSettings()) {
    if (!key.startsWith('extensions') && !key.startsWith('core.repo'))
      await git(join(root, 'inner'), user, ['config', key, value]);
  }
  put(root, '.git/modules/inner/info/attributes', '* filter=evil diff=evil\n');
  put(root, 'inner/a.txt', 'changed inside\n');
  put(root, 'a.txt', 'changed\n');
  put(root, 'b.eq', 'changed\n');
  put(root, '.gitattributes', '* filter=evil diff=evil\n');
  await git(root, user, [
    '-c',
    'core.fsmonitor=false',
    '-c',
    'core.hooksPath=/dev/null',
    '-c',
    'filter.evil.clean=',
    '-c',
    'filter.evil.process=',
    '-c',
    'filter.evil.required=false',
    'add',
    '-N',
    '.gitattributes',
  ]);
  for (const name of readdirSync(marks)) assert.fail(`the test itself set off ${name}`);
  const before = snapshot(root);

  const environment = { ...user, ...hostileVariables() };
  const worktree = await make(planFor(workspace, root, environment));
  assert.deepEqual(readdirSync(marks), []);
  const skip = (path: string) => isGit(path) || path.startsWith('inner');
  assert.deepEqual(snapshot(worktree.path, skip), snapshot(root, skip));
  assert.match(worktree.warnings.join('\n'), /"evil", "ev=il"/);

  for (const [key, value] of hostileSettings()) await git(worktree.path, user, ['config', key, value]);
  for (const hook of hookNames)
    put(worktree.path, `.git/hooks/${hook}`, `#!/bin/sh\n: > '${marks}/agent-${hook}'\n`);
  put(worktree.path, '.git/info/attributes', '* filter=evil diff=evil\n');
  put(worktree.path, 'a.txt', 'changed by the agent\n');
  put(worktree.path, 'inner/.git', `gitdir: ${root}/.git/modules/inner\n`);
  const { files } = await capture(workspace, worktree, environment);
  assert.deepEqual(
    files.map(({ path }) => path),
    ['a.txt'],
  );
  assert.deepEqual(readdirSync(marks), []);
  assert.deepEqual(snapshot(root), before);

  await git(root, user, ['status']).catch(() => 'a trap that is no filter may make it fail');
  assert.ok(readdirSync(marks).length > 0, 'a plain `git status` sets the traps off, so they are live');
  for (const name of readdirSync(marks)) rmSync(join(marks, name));
});

test('a missing object of a hostile partial clone starts no transport', async () => {
  const root = await makeRepository(workspace, user, { 'a.txt': 'one\n' });
  await poison(root);
  const blob = (await git(root, user, ['rev-parse', 'HEAD:a.txt'])).toString().trim();
  rmSync(join(root, '.git/objects', blob.slice(0, 2), blob.slice(2)));
  put(root, 'b.txt', 'x');
  const outcome = await makeWorktree(planFor(workspace, root, user, { baseRef: 'HEAD' }));
  assert.equal(outcome.ok, false);
  assert.throws(() => expectValue(outcome), /worktree_failed/);
  assert.deepEqual(readdirSync(marks), []);
});
