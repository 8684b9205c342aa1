import assert from 'node:assert/strict';
import { lstatSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { slotLayout } from '../../src/git/slot.js';
import { type Survey, surveySlot } from '../../src/git/survey.js';
import type { MadeWorktree } from '../../src/git/worktree.js';
import {
  capture,
  make,
  makeRepository,
  makeUser,
  makeWorkspace,
  planFor,
  put,
  releaseSlot,
  slotOf,
} from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const { signal } = new AbortController();

const files = {
  'top.txt': 'top\n',
  'one/a.txt': 'a of one\n',
  'one/deep/b.txt': 'b of one\n',
  'two/a.txt': 'a of two\n',
  'two/deep/b.txt': 'b of two\n',
  'still/c.txt': 'c\n',
};

const acts: [title: string, act: (root: string) => void][] = [
  ['nothing', () => {}],
  ['a new file deep inside', (root) => put(root, 'one/deep/new.txt', 'new\n')],
  ['a deleted file deep inside', (root) => unlinkSync(join(root, 'one/deep/b.txt'))],
  ['a new directory deep inside', (root) => put(root, 'one/deep/new/inner/file.txt', 'new\n')],
  [
    'two directories that changed places',
    (root) => {
      renameSync(join(root, 'one'), join(root, 'spare'));
      renameSync(join(root, 'two'), join(root, 'one'));
      renameSync(join(root, 'spare'), join(root, 'two'));
    },
  ],
  [
    'a directory made again with more in it',
    (root) => {
      rmSync(join(root, 'two'), { recursive: true });
      for (const path of ['two/a.txt', 'two/deep/b.txt', 'two/deep/more.txt']) put(root, path, 'again\n');
    },
  ],
  [
    'a directory moved out and back with more in it',
    (root) => {
      renameSync(join(root, 'one'), join(root, '../one'));
      put(root, '../one/deep/more.txt', 'more\n');
      renameSync(join(root, '../one'), join(root, 'one'));
    },
  ],
];

for (const [title, act] of acts) {
  test(`a slot that was used before gives the same patch as a new one: ${title}`, async () => {
    const root = await makeRepository(workspace, user, files);
    const used = await makeUsed(root);
    const fresh = await make(planFor(workspace, root, user));
    for (const { path } of [used, fresh]) act(path);
    const { patch } = await capture(workspace, fresh, user);
    assert.deepEqual((await capture(workspace, used, user)).patch.toString(), patch.toString());
  });
}

test('directories in which nothing changed since the last scrub are not read, and others are', async () => {
  const root = await makeRepository(workspace, user, files);
  const used = await makeUsed(root);
  put(used.path, 'one/deep/new.txt', 'new\n');
  const { walked } = await survey(used);
  assert.deepEqual([...walked.unchanged.keys()].sort(), ['one', 'still', 'two', 'two/deep']);
  assert.deepEqual(walked.touched.toSorted(), ['', 'one/deep']);
});

test('another directory in the place of one is read, whatever its times say', async () => {
  const root = await makeRepository(workspace, user, files);
  const used = await makeUsed(root);
  changeStamp(used, 'still', (inode, changed) => [inode + 1, changed]);
  assert.equal((await survey(used)).walked.unchanged.has('still'), false);
});

test('a file system that tells no change times has every directory read', async () => {
  const root = await makeRepository(workspace, user, files);
  const used = await makeUsed(root);
  changeStamp(used, '', () => [lstatSync(used.path).ino, lstatSync(used.path).ctimeMs]);
  assert.equal((await survey(used)).walked.unchanged.size, 0);
});

test('a new checkout, which nobody looked through, is read as a whole', async () => {
  const root = await makeRepository(workspace, user, files);
  assert.equal((await survey(await make(planFor(workspace, root, user)))).walked.unchanged.size, 0);
});

test('there is no survey of a worktree that is gone', async () => {
  const root = await makeRepository(workspace, user, files);
  const gone = await make(planFor(workspace, root, user));
  rmSync(slotOf(gone), { recursive: true });
  assert.equal(await surveySlot(slotOf(gone), gone.baselineCommit, user, signal), undefined);
});

/** A checkout in a slot that an earlier job had, made when the clock of the disk had gone on since. */
async function makeUsed(root: string): Promise<MadeWorktree> {
  const first = await make(planFor(workspace, root, user, { warm: true }));
  assert.equal(await releaseSlot(first, user, { prove: false }), 'kept');
  const clock = join(workspace, 'clock');
  const now = () => {
    writeFileSync(clock, '');
    return lstatSync(clock).ctimeMs;
  };
  for (const start = now(); now() === start; ) await nextTurn();
  return make(planFor(workspace, root, user, { warm: true }));
}

async function survey(worktree: MadeWorktree): Promise<Survey> {
  const found = await surveySlot(slotOf(worktree), worktree.baselineCommit, user, signal);
  assert.ok(found);
  return found;
}

function changeStamp(
  worktree: MadeWorktree,
  directory: string,
  change: (inode: number, changed: number) => [number, number],
): void {
  const { stamps } = slotLayout(slotOf(worktree));
  const records = JSON.parse(readFileSync(stamps, 'utf8')) as [string, number, number][];
  const changed = records.map(([path, inode, time]) =>
    path === directory ? [path, ...change(inode, time)] : [path, inode, time],
  );
  writeFileSync(stamps, JSON.stringify(changed));
}
