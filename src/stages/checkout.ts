import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Worktree } from '../../machines/job.js';
import type { Settings } from '../config.js';
import { counted } from '../counted.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import { writeLast } from '../git/durable-file.js';
import { makeGitDirectory, rawAttributes } from '../git/git-directory.js';
import type { Continued } from '../git/kept-baseline.js';
import { removeWorktree } from '../git/removal.js';
import { takeReviewChanges } from '../git/review-changes.js';
import { findRangeStart } from '../git/review-range.js';
import { slotLayout } from '../git/slot.js';
import { type MadeWorktree, makeWorktree } from '../git/worktree.js';
import type { Coverage } from '../job/answer.js';
import { jobLayout, stateLayout } from '../job/layout.js';
import type { WorktreeTask } from '../pool/messages.js';
import type { StageChannel } from './channel.js';

/**
 * Makes what the agent of a job works in: a checkout, for a review with the changes beside it, or an empty
 * directory for a question about no repository. Refuses with the codes of `makeWorktree`, and with
 * `nothing_to_review`.
 */
export async function makeCheckout(
  slot: string,
  continues: Continued | null,
  task: WorktreeTask,
  settings: Settings,
  channel: StageChannel,
): Promise<Outcome<Worktree>> {
  const { submission } = task;
  if (submission.repository === '') return makeEmptyDirectory(slot);
  const made = await makeWorktree({
    repositoriesDirectory: stateLayout(settings.stateDir).repositories,
    slot: task.jobId,
    workspaceRoot: submission.workspaceRoot,
    repository: submission.repository,
    baseRef: submission.baseRef,
    includeUntracked: submission.includeUntracked,
    uncommitted: submission.review === null || submission.review.scope === 'working_tree',
    cleanFilters: settings.cleanFilters,
    environment: settings.environment,
    signal: channel.stop,
    warm: settings.warmSlots > 0,
    warmPaths: settings.warmPaths,
    // What many jobs share sees no mount of one, and findings are looked up in what everybody sees.
    overlay: settings.overlay && submission.kind === 'delegate' && submission.backend !== 'codex-app-server',
    // Nobody goes on from what only read.
    keptObjects: submission.kind === 'delegate' ? jobLayout(settings.stateDir, task.jobId).baseline : null,
    continues,
  });
  if (!made.ok) return made;
  const { path, baselineCommit, warnings } = made.value;
  const worktree = succeed({ path, baselineCommit, warnings });
  if (submission.review === null) return worktree;
  const taken = await takeChanges(slot, made.value, task, settings, channel);
  if (taken.ok) return worktree;
  await removeWorktree(slot);
  return taken;
}

/** With a repository of its own, also empty: else the agent would look for one, and its AGENTS.md, further up. */
async function makeEmptyDirectory(slot: string): Promise<Outcome<Worktree>> {
  const { checkout } = slotLayout(slot);
  await removeWorktree(slot);
  await mkdir(checkout, { recursive: true, mode: 0o700 });
  makeGitDirectory(join(checkout, '.git'), {
    objectFormat: 'sha1',
    head: 'ref: refs/heads/main',
    borrowedObjects: [],
    settings: [],
    attributes: rawAttributes,
    excludes: Buffer.alloc(0),
  });
  const warnings = ['The question was asked without a repository.'];
  return succeed({ path: checkout, baselineCommit: null, warnings });
}

const NAMED_OMISSIONS = 200;

/** Finds the changes under review and keeps them, with what was left out of them, for the agent and the result. */
async function takeChanges(
  slot: string,
  made: MadeWorktree,
  { jobId, submission }: WorktreeTask,
  settings: Settings,
  { stop }: StageChannel,
): Promise<Outcome<null>> {
  if (submission.review === null) throw new Error('Changes are taken for reviews only.');
  const { scope, ref, paths } = submission.review;
  const { workspaceRoot } = submission;
  const { environment } = settings;
  const files = jobLayout(settings.stateDir, jobId);
  const place = { slotDirectory: slot, environment, signal: stop };
  const from = await findRangeStart({ ...place, ...made, scope, ref, workspaceRoot });
  if (!from.ok) return from;
  const taken = await takeReviewChanges({
    ...place,
    from: from.value,
    to: made.baselineCommit,
    paths,
    left: made.left,
    changesFile: files.changes,
  });
  if (!taken.ok) return taken;
  const { filesChanged, reviewed, omitted } = taken.value;
  const coverage: Coverage = { filesChanged, reviewed, omitted: omitted.slice(0, NAMED_OMISSIONS) };
  await writeLast(files.coverage, JSON.stringify(coverage), [files.changes]);
  if (reviewed.length > 0) return succeed(null);
  return filesChanged === 0
    ? refuse('nothing_to_review')
    : refuse('nothing_to_review', {
        message: `Of ${counted(filesChanged, 'changed file')} none can be shown to a reviewer; coverage tells why.`,
      });
}
