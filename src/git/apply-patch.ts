import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Outcome, refuse, succeed } from '../errors.js';
import { type BytePath, splitRecords } from './byte-path.js';
import { explain } from './explain.js';
import { hashOfFile } from './file-hash.js';
import { type GitContext, runGit } from './git.js';
import { copyIndex } from './git-directory.js';
import type { SlotLayout } from './slot.js';

/** A patch as `capturePatch` kept it. */
export interface KeptPatch {
  /** Absolute path. */
  file: string;
  bytes: number;
  /** In hexadecimal. */
  sha256: string;
}

/**
 * Applies a kept patch to a fresh checkout of its baseline: to the files, and to a passing copy of the index. For
 * our own index, from which the next patch is taken, the files are then the agent's changes. Gives the paths that the
 * baseline does not have. Refuses with `result_unreadable` when the patch is not the one that was kept.
 */
export async function applyPatch(
  { file, bytes, sha256 }: KeptPatch,
  slot: SlotLayout,
  context: GitContext,
): Promise<Outcome<BytePath[]>> {
  if ((await hashOfFile(file)) !== sha256) return refuse('result_unreadable');
  // git refuses a patch without changes.
  if (bytes === 0) return succeed([]);
  const index = join(slot.gitDirectory, 'patched-index');
  copyIndex(slot.index, index);
  // With an index, files that are absent from a sparse checkout are patched as well.
  const patched = { ...context, environment: { ...context.environment, GIT_INDEX_FILE: index } };
  const applied = await runGit(patched, ['apply', '--index', '--whitespace=nowarn', file]);
  const added = applied.ok
    ? await runGit(patched, ['diff-index', '--cached', '--name-only', '--diff-filter=A', '-z', 'HEAD'])
    : applied;
  await rm(index, { force: true });
  return added.ok
    ? succeed(splitRecords(added.stdout))
    : explain(added, 'worktree_failed', 'applying the patch of the earlier job');
}
