import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findMountWay, mountedWords } from '../../src/git/overlay.js';
import { isOverlaySlot } from '../../src/git/slot.js';
import type { MadeWorktree } from '../../src/git/worktree.js';
import { make, type PlannedWorktree, planFor, releaseSlot, slotOf } from './git.js';

/** A workspace whose worktrees are overlays where the machine can. */
export interface OverlayHouse {
  /** Whether it can. */
  works: boolean;
  /** Makes a worktree, an overlay unless told otherwise. */
  make(root: string, overlay?: boolean, more?: Partial<PlannedWorktree>): Promise<MadeWorktree>;
  /** Does what an agent would, with its view of a worktree. */
  inside(worktree: MadeWorktree, words: readonly string[], input?: string): void;
  release(
    worktree: MadeWorktree,
    more?: { warmSlots?: number; overlay?: boolean; prove?: boolean },
  ): Promise<'kept' | 'removed'>;
  /** Has the repository's first job come and go, so that the next is laid over what it left. */
  prepare(root: string): Promise<void>;
}

export async function makeOverlayHouse(
  workspace: string,
  user: Record<string, string>,
): Promise<OverlayHouse> {
  const repositories = join(workspace, 'repositories');
  mkdirSync(repositories, { recursive: true });
  const way = await findMountWay(repositories);
  const house: OverlayHouse = {
    works: way !== null,
    make: (root, overlay = true, more = {}) =>
      make(planFor(workspace, root, user, { overlay, warm: true, ...more })),
    inside(worktree, words, input = '') {
      const slot = dirname(worktree.path);
      const view = isOverlaySlot(slot) && way !== null ? mountedWords(way, slot) : [];
      const [program = '', ...rest] = [...view, ...words];
      execFileSync(program, rest, {
        cwd: worktree.path,
        env: user,
        input,
        stdio: ['pipe', 'ignore', 'pipe'],
      });
    },
    release: (worktree, more = {}) => releaseSlot(worktree, user, { warmSlots: 0, overlay: true, ...more }),
    async prepare(root) {
      const first = await house.make(root);
      assert.equal(isOverlaySlot(slotOf(first)), false);
      assert.equal(await house.release(first), 'kept');
    },
  };
  return house;
}
