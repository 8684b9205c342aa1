import { randomUUID } from 'node:crypto';
import type { Settings } from '../config.js';
import { type Outcome, refuse } from '../errors.js';
import { type Preview, preview as previewJob } from '../git/preview.js';
import { stateLayout } from '../job/layout.js';
import type { PreviewTask } from '../pool/messages.js';
import { limitTime } from '../time-limit.js';
import type { StageChannel } from './channel.js';
import { gitFault } from './machine-fault.js';

/** A caller waits for the answer. */
const MOST_MILLISECONDS = 30_000;

/** Looks what a job would start from; within 30 s, and leaves nothing. */
export async function preview(
  { submission }: PreviewTask,
  settings: Settings,
  channel: StageChannel,
): Promise<Outcome<Preview>> {
  const limit = limitTime(channel.stop, MOST_MILLISECONDS);
  const previewed = await previewJob({
    repositoriesDirectory: stateLayout(settings.stateDir).repositories,
    // The next daemon removes a slot of no job, should this one die.
    slot: `preview-${randomUUID()}`,
    workspaceRoot: submission.workspaceRoot,
    baseRef: submission.baseRef,
    includeUntracked: submission.includeUntracked,
    cleanFilters: settings.cleanFilters,
    environment: settings.environment,
    signal: limit.signal,
  }).finally(limit.release);
  if (previewed.ok) return previewed;
  if (limit.signal.aborted && !channel.stop.aborted)
    return refuse('worktree_failed', {
      message: `Looking at the repository took longer than ${MOST_MILLISECONDS / 1_000} s and was stopped.`,
    });
  return { ok: false, fault: await gitFault(previewed.fault, settings.stateDir) };
}
