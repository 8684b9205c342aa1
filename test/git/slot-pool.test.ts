import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { reconcileSlots } from '../../src/git/slot-pool.js';
import type { MadeWorktree } from '../../src/git/worktree.js';
import {
  git,
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

const warmly = (root: string) => make(planFor(workspace, root, user, { warm: true }));

const release = (worktree: MadeWorktree, warmSlots: number) => releaseSlot(worktree, user, { warmSlots });

const repositoryOf = (worktree: MadeWorktree): string => join(slotOf(worktree), '../..');
const idleOf = (worktree: MadeWorktree): string[] => readdirSync(join(repositoryOf(worktree), 'idle'));
const placeOf = (worktree: MadeWorktree): number => lstatSync(worktree.path).ino;

test('idle slots of a repository are kept up to their number, those released last stay', async () => {
  const root = await makeRepository(workspace, user);
  const made = await Promise.all([1, 2, 3, 4].map(() => warmly(root)));
  const places = made.map(placeOf);
  for (const worktree of made) await release(worktree, 2);
  const again = await Promise.all([1, 2, 3].map(() => warmly(root)));
  assert.equal(again.filter((each) => places.slice(2).includes(placeOf(each))).length, 2);
});

test('a slot at the wanted commit is taken before the one released last', async () => {
  const root = await makeRepository(workspace, user);
  const first = await warmly(root);
  put(root, 'a.txt', 'second\n');
  await git(root, user, ['commit', '-q', '-a', '-m', 'second']);
  const second = await warmly(root);
  const place = placeOf(first);
  await release(first, 4);
  await release(second, 4);
  const plan = planFor(workspace, root, user, { warm: true, baseRef: 'HEAD~1' });
  assert.equal(placeOf(await make(plan)), place);
});

test('jobs that come at once never get the same slot', async () => {
  const root = await makeRepository(workspace, user);
  for (const worktree of await Promise.all(Array.from({ length: 4 }, () => warmly(root)))) {
    await release(worktree, 8);
  }
  const made = await Promise.all(Array.from({ length: 12 }, () => warmly(root)));
  assert.equal(new Set(made.map(placeOf)).size, 12);
  assert.deepEqual(made[0] === undefined ? null : idleOf(made[0]), []);
});

test('a slot that turns out to be broken is replaced by a new one', async () => {
  const root = await makeRepository(workspace, user);
  const first = await warmly(root);
  await release(first, 4);
  const [name = ''] = idleOf(first);
  writeFileSync(join(repositoryOf(first), 'idle', name, 'index'), 'no index');
  put(root, 'a.txt', 'changed\n');
  const second = await warmly(root);
  assert.equal(existsSync(join(second.path, 'a.txt')), true);
  assert.deepEqual(idleOf(first), []);
});

test('a job whose worktree is made again gets no slot that its first try left', async () => {
  const root = await makeRepository(workspace, user);
  const plan = planFor(workspace, root, user, { warm: true });
  put((await make(plan)).path, 'left.txt', 'by a thread that died\n');
  assert.deepEqual(readdirSync((await make(plan)).path).sort(), ['.git', 'a.txt']);
});

test('at the start, slots of jobs that are over and what is no good idle slot go, everything else stays', async () => {
  const root = await makeRepository(workspace, user);
  const idle = await warmly(root);
  await release(idle, 4);
  const [running, settled] = await Promise.all([
    make(planFor(workspace, root, user)),
    make(planFor(workspace, root, user)),
  ]);
  const kept = idleOf(idle);
  mkdirSync(join(repositoryOf(idle), 'idle', 'v0_of_an_earlier_form'));
  const repositories = join(workspace, 'repositories');
  const over = new Set([basename(slotOf(settled))]);
  await reconcileSlots(repositories, over, { warmSlots: 4, overlay: false });
  assert.equal(existsSync(running.path), true);
  assert.equal(existsSync(settled.path), false);
  assert.deepEqual(idleOf(idle), kept);
  await reconcileSlots(repositories, over, { warmSlots: 0, overlay: false });
  assert.deepEqual(idleOf(idle), []);
  await reconcileSlots(join(workspace, 'missing'), over, { warmSlots: 4, overlay: false });
});
