import assert from 'node:assert/strict';
import { chmodSync, lstatSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Worktree } from '../../machines/job.js';
import { releaseWorktree } from '../../src/git/release.js';
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
  slotOf,
  snapshot,
} from '../support/git.js';
import { checkoutState } from '../support/slots.js';

const workspace = realpathSync(makeWorkspace());
const user = makeUser(workspace);

/** Few names, so that files, links and directories take each other's places. */
const name = fc.constantFrom('a', 'b', 'c d', '-rf', 'é', '\xff', 'n\nl', '"q"');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const line = fc.constantFrom('x\n', 'y\r\n', 'long line of some length\n', '\x00', '\xe9\n', 'end', '\t \n');
const content = fc.array(line, { maxLength: 12 }).map((lines) => lines.join(''));

const edit = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), path, content, executable: fc.boolean() }),
  fc.record({
    kind: fc.constant('link' as const),
    path,
    content: fc.constantFrom('.', '..', '/etc/passwd', 'missing'),
  }),
  fc.record({ kind: fc.constant('delete' as const), path }),
);
type Edit = typeof edit extends fc.Arbitrary<infer E> ? E : never;

/** Puts what the edit says in its place, whatever was there; parents that are no directories make way. */
function apply(root: string, edit: Edit): void {
  const target = Buffer.from(`${root}/${edit.path}`, 'latin1');
  if (edit.kind !== 'delete') makeParents(root, edit.path);
  else if (!hasRealParents(root, edit.path)) return;
  rmSync(target, { recursive: true, force: true });
  if (edit.kind === 'link') symlinkSync(edit.content, target);
  if (edit.kind === 'file') {
    writeFileSync(target, Buffer.from(edit.content, 'latin1'));
    chmodSync(target, edit.executable ? 0o755 : 0o644);
  }
}

const parentsOf = (path: string): string[] => {
  const parent = dirname(path);
  return parent === '.' ? [] : [...parentsOf(parent), parent];
};

const isDirectory = (path: Buffer): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

const hasRealParents = (root: string, path: string): boolean =>
  parentsOf(path).every((parent) => isDirectory(Buffer.from(`${root}/${parent}`, 'latin1')));

function makeParents(root: string, path: string): void {
  for (const parent of parentsOf(path)) {
    const directory = Buffer.from(`${root}/${parent}`, 'latin1');
    if (isDirectory(directory)) continue;
    rmSync(directory, { force: true });
    mkdirSync(directory);
  }
}

const release = (worktree: Worktree) =>
  releaseWorktree({
    slotDirectory: slotOf(worktree),
    baselineCommit: worktree.baselineCommit,
    warmSlots: 1,
    environment: user,
    signal: new AbortController().signal,
    prove: true,
  });

test('whatever the agent does to whatever tree, the patch turns the baseline into what it left, and the slot is as new after it', async (context) => {
  const seed = (Math.random() * 2 ** 31) | 0;
  context.diagnostic(`fast-check seed ${seed}`);
  const property = fc.asyncProperty(
    fc.array(edit, { maxLength: 8 }),
    fc.array(edit, { maxLength: 6 }),
    fc.array(edit, { maxLength: 8 }),
    async (committed, uncommitted, ofAgent) => {
      const root = await makeRepository(workspace, user, {});
      for (const one of committed) apply(root, one);
      await git(root, user, ['add', '-A']);
      await git(root, user, ['commit', '-q', '--allow-empty', '-m', 'tree']);
      for (const one of uncommitted) apply(root, one);
      await git(root, user, ['add', '-A']);
      const worktree = await make(planFor(workspace, root, user));
      const baseline = checkoutState(worktree.path, isGit);
      assert.deepEqual(snapshot(worktree.path, isGit), snapshot(root, isGit));
      for (const one of ofAgent) apply(worktree.path, one);
      const { patch } = await capture(workspace, worktree, user);
      assert.deepEqual(await applied(workspace, worktree, user, patch), snapshot(worktree.path));
      assert.equal(await release(worktree), 'kept');
      const next = await make(planFor(workspace, root, user, { warm: true }));
      assert.deepEqual(checkoutState(next.path, isGit), baseline);
      await removeWorktree(slotOf(next));
      rmSync(root, { recursive: true });
    },
  );
  await fc.assert(property, { seed, numRuns: 300, interruptAfterTimeLimit: 15_000, verbose: true });
});
