import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { capturePatch } from '../../src/git/patch.js';
import { removeWorktree } from '../../src/git/removal.js';
import type { MadeWorktree } from '../../src/git/worktree.js';
import { checkEditedTrees, repositoryOf, stage } from '../support/edited-trees.js';
import { applyEdit } from '../support/edits.js';
import {
  applied,
  capture,
  capturePlanFor,
  expectValue,
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
const MAX = 10_000;
const LARGE = 'large line\n'.repeat(2_000);
const SMALL = 'small line\n'.repeat(20);

async function makeTree(files: Record<string, string>): Promise<MadeWorktree> {
  return make(planFor(workspace, await makeRepository(workspace, user, files), user));
}

/** The captured paths, after a check that the patch holds what the agent left of them and leaves all else alone. */
async function captured(worktree: MadeWorktree, left: RegExp): Promise<string[]> {
  const baseline = await applied(workspace, worktree, user, Buffer.alloc(0));
  const { report, patch, files } = await capture(workspace, worktree, user, { maxPatchBytes: MAX });
  assert.ok(patch.length <= MAX);
  assert.match(report.leftOut ?? '', left);
  const now = snapshot(worktree.path, isGit);
  const expected = { ...baseline };
  for (const { path, oldPath = path } of files) {
    delete expected[oldPath];
    if (now[path] !== undefined) expected[path] = now[path];
  }
  assert.deepEqual(await applied(workspace, worktree, user, patch), expected);
  return files.map(({ path }) => path);
}

// git records the changes where a name is one that only it can judge.
for (const [recorder, extra] of [
  ['as we record it', []],
  ['as git records it', ['short~1']],
] as const) {
  describe(`a patch over the limit, ${recorder}`, () => {
    const addExtra = (worktree: MadeWorktree) => {
      for (const path of extra) put(worktree.path, path, 'x\n');
    };

    it('holds what fits, and names the largest of what does not', async () => {
      const worktree = await makeTree({ 'a.txt': 'one\n' });
      addExtra(worktree);
      put(worktree.path, 'a.txt', 'two\n');
      for (const [at, times] of [1, 2, 3, 4, 5].entries())
        put(worktree.path, `large-${at}`, LARGE.repeat(times));
      const left =
        /larger than the 10000 bytes that a patch may hold\. It is without "large-4" \(110000 bytes\), "large-3" \(88000 bytes\), "large-2" \(66000 bytes\) and 2 more\.$/;
      assert.deepEqual(await captured(worktree, left), ['a.txt', ...extra]);
    });

    it('holds no change of a file that is too large to be looked at, wherever that lies', async () => {
      const worktree = await makeTree({ 'a.txt': 'one\n', 'b.txt': 'b\n', 'd/inner.txt': SMALL });
      addExtra(worktree);
      put(worktree.path, 'b.txt', 'b\n'.repeat(30_000));
      rmSync(join(worktree.path, 'd'), { recursive: true });
      put(worktree.path, 'd', Buffer.alloc(50_000).toString());
      put(worktree.path, 'new.txt', 'new\n');
      const left = /without "b\.txt" \(60000 bytes\), "d" \(50000 bytes\)\.$/;
      assert.deepEqual(await captured(worktree, left), ['d/inner.txt', 'new.txt', ...extra]);
    });

    it('holds nothing that needs the place of a file whose removal does not fit', async () => {
      const worktree = await makeTree({
        'a.txt': 'one\n',
        file: LARGE,
        'd/large.txt': LARGE,
        ü: LARGE,
        b: SMALL,
      });
      addExtra(worktree);
      const at = (path: string) => join(worktree.path, path);
      put(worktree.path, 'a.txt', 'two\n');
      // In the place of the large file a directory, in that of the directory another file, and a name that is no text.
      rmSync(at('file'));
      put(worktree.path, 'file/x', 'x\n');
      rmSync(at('ü'));
      mkdirSync(at('ü'));
      symlinkSync('x', Buffer.from(`${Buffer.from(at('ü')).toString('latin1')}/caf\xe9`, 'latin1'));
      rmSync(at('d'), { recursive: true });
      renameSync(at('b'), at('d'));
      // And in that of the file that moved there, one more.
      put(worktree.path, 'b/y', 'y\n');
      assert.deepEqual(await captured(worktree, /"file" .* and 4 more\.$/), ['a.txt', ...extra]);
    });
  });
}

describe('a capture of what does not fit', () => {
  it('answers the same when it is asked again, also when the worktree is gone', async () => {
    const worktree = await makeTree({ 'a.txt': 'one\n' });
    put(worktree.path, 'a.txt', 'two\n');
    put(worktree.path, 'large.txt', LARGE);
    const plan = capturePlanFor(workspace, worktree, user, { maxPatchBytes: MAX });
    const report = expectValue(await capturePatch(plan));
    assert.match(report.leftOut ?? '', /"large\.txt"/);
    await removeWorktree(slotOf(worktree));
    assert.deepEqual(expectValue(await capturePatch(plan)), report);
    assert.deepEqual(readdirSync(dirname(plan.patchFile)).sort(), ['files.json', 'patch', 'patch.report']);
  });

  it('leaves the largest of many files out until the rest may be looked at', async () => {
    const worktree = await makeTree({ 'a.txt': 'one\n' });
    // Zeros compress: they fit into the patch, however many may be looked at.
    for (const name of ['1', '2', '3', '4', '5'])
      put(worktree.path, name, Buffer.alloc(40_000 - Number(name)));
    assert.deepEqual(await captured(worktree, /without "1" \(39999 bytes\)\.$/), ['2', '3', '4', '5']);
  });

  it('of whatever trees and at whatever limit applies, and holds each file as it was or as the agent left it', (context) =>
    checkEditedTrees(context, { runs: 60, milliseconds: 15_000 }, async (committed, uncommitted, ofAgent) => {
      const root = await repositoryOf(workspace, user, committed);
      await stage(root, user, uncommitted);
      const worktree = await make(planFor(workspace, root, user));
      const before = snapshot(worktree.path, isGit);
      for (const one of ofAgent) applyEdit(worktree.path, one);
      const whole = await capture(workspace, worktree, user);
      const after = snapshot(worktree.path, isGit);
      for (const maxPatchBytes of [whole.report.bytes - 1, whole.report.bytes >> 1, 8]) {
        if (maxPatchBytes <= 0) continue;
        const { report, patch } = await capture(workspace, worktree, user, { maxPatchBytes });
        assert.ok(report.bytes <= maxPatchBytes);
        assert.equal(report.leftOut === undefined, patch.equals(whole.patch));
        const found = await applied(workspace, worktree, user, patch);
        for (const path of Object.keys({ ...before, ...after, ...found }))
          assert.ok(found[path] === before[path] || found[path] === after[path], path);
      }
      await removeWorktree(slotOf(worktree));
      rmSync(root, { recursive: true });
    }));
});
