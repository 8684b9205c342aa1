import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findForeseenRepository } from '../../src/git/foreseen-repository.js';
import { type Look, patientLook } from '../../src/git/look.js';
import { findRepository } from '../../src/git/repository.js';
import { expectCode, expectValue, git, makeRepository, makeUser, makeWorkspace } from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);

test('a directory that is looked at again is found as it is then', async () => {
  const root = await makeRepository(workspace, user, { 'deep/er/a.txt': 'a' });
  const asBefore = async (directory: string) =>
    assert.deepEqual(await findForeseenRepository(directory), await findRepository(directory));
  const link = join(workspace, 'foreseen');
  symlinkSync(root, link);
  for (const directory of [root, join(root, 'deep/er'), link, join(root, '.git'), workspace]) {
    for (let times = 0; times < 3; times += 1) await asBefore(directory);
  }

  await git(root, user, ['pack-refs', '--all']);
  await asBefore(root);
  await git(root, user, ['checkout', '-q', '--detach']);
  await asBefore(root);
  writeFileSync(join(root, '.git/HEAD'), 'ref: refs/heads/none\n');
  expectCode(await findForeseenRepository(root), 'no_commit');
  await git(root, user, ['config', 'core.bare', 'true']);
  expectCode(await findForeseenRepository(root), 'bare_repository');
  rmSync(join(root, '.git/HEAD'));
  expectCode(await findForeseenRepository(root), 'not_a_git_repo');

  const other = await makeRepository(workspace, user);
  rmSync(link);
  symlinkSync(other, link);
  assert.equal(expectValue(await findForeseenRepository(link)).root, other);
  rmSync(link);
  expectCode(await findForeseenRepository(link), 'invalid_workspace_root');
});

test('a repository that grew round a directory, or within it, is found', async () => {
  const outer = await makeRepository(workspace, user, { 'inner/a.txt': 'a' });
  const inner = join(outer, 'inner');
  assert.equal(expectValue(await findForeseenRepository(inner)).root, outer);
  const other = await makeRepository(workspace, user);
  renameSync(join(other, '.git'), join(inner, '.git'));
  assert.equal(expectValue(await findForeseenRepository(inner)).root, inner);
  rmSync(join(inner, '.git'), { recursive: true });
  mkdirSync(join(inner, '.git'));
  assert.equal(expectValue(await findForeseenRepository(inner)).root, outer);
});

test('what was asked the last time is asked at once, and nothing twice', async () => {
  const root = await makeRepository(workspace, user, { 'deep/er/a.txt': 'a' });
  const directory = join(root, 'deep/er');
  const first = recordingLook();
  await findForeseenRepository(directory, first.look);

  const second = recordingLook();
  const found = findForeseenRepository(directory, second.look);
  assert.deepEqual(new Set(second.asked), new Set(first.asked));
  assert.equal(new Set(second.asked).size, second.asked.length);
  const asked = second.asked.length;
  assert.equal(expectValue(await found).root, root);
  assert.equal(second.asked.length, asked);
});

/** Looks, and writes down what it is asked. */
function recordingLook(): { look: Look; asked: string[] } {
  const asked: string[] = [];
  const recording =
    <Name extends keyof Look>(name: Name) =>
    (...question: Parameters<Look[Name]>) => {
      asked.push([name, ...question].join(' '));
      return (patientLook[name] as (...asked: Parameters<Look[Name]>) => ReturnType<Look[Name]>)(...question);
    };
  return {
    asked,
    look: { at: recording('at'), realPath: recording('realPath'), read: recording('read') },
  };
}
