import assert from 'node:assert/strict';
import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { probeEnvironment } from '../../src/git/environment.js';
import { explain } from '../../src/git/explain.js';
import { type GitContext, runGit } from '../../src/git/git.js';
import { git, make, makeRepository, makeUser, makeWorkspace, planFor, put } from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);

const contextIn = (directory: string, script: string): GitContext => ({
  directory,
  environment: probeEnvironment(user),
  signal: new AbortController().signal,
  wrapper: ['sh', '-c', `${script}; exec "$@"`, 'sh'],
});

test('git has 4 GiB of memory at most', async () => {
  const ran = await runGit(contextIn(workspace, 'ulimit -d >&2'), ['version']);
  assert.equal(ran.stderr, `${4 * 1024 * 1024}\n`);
});

test('that git needed more memory than it may have is told as that, and as a shortage where the machine has no more', async (t) => {
  const root = await makeRepository(workspace, user);
  put(root, '.git/info/grafts', '');
  truncateSync(join(root, '.git/info/grafts'), 300_000_000);
  const ran = await runGit(contextIn(root, 'ulimit -d 100000'), ['rev-parse', 'HEAD^{tree}']);
  assert.ok(!ran.ok, 'git stayed within a third of what it has to read.');
  const explainWith = (gibibytes: number) => {
    t.mock.method(process, 'availableMemory', () => gibibytes * 1024 ** 3);
    return explain(ran, 'worktree_failed', 'reading the repository').fault;
  };
  const { code, message } = explainWith(5);
  assert.equal(code, 'worktree_failed');
  assert.match(message, /ran out of memory, .* 4 GiB at most, while reading the .*: .* has no end/);
  const short = explainWith(3);
  assert.equal(short.code, 'machine_exhausted');
  assert.match(short.message, /too little memory for git while reading the repository: .* a large file/);
});

test('a git that is killed from outside, as the kernel does where memory ran out, is a shortage of the machine', async () => {
  const ran = await runGit(contextIn(workspace, 'kill -KILL $$'), ['version']);
  assert.ok(!ran.ok);
  assert.equal(explain(ran, 'patch_failed', 'comparing files').fault.code, 'machine_exhausted');
});

test('what is no file is not read as the attributes that the configuration names', async () => {
  const root = await makeRepository(workspace, user, { 'a.txt': 'one\n' });
  await execa('mkfifo', [join(workspace, 'pipe')]);
  await git(root, user, ['config', 'core.attributesFile', join(workspace, 'pipe')]);
  put(root, 'a.txt', 'changed\n');
  const worktree = await make(planFor(workspace, root, user));
  assert.equal(readFileSync(join(worktree.path, 'a.txt'), 'utf8'), 'changed\n');
});
