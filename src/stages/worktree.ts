import type { WorktreeOutput } from '../../machines/job.js';
import type { Settings } from '../config.js';
import { makeWorktree } from '../git/worktree.js';
import { stateLayout } from '../job/layout.js';
import type { WorktreeTask } from '../pool/messages.js';
import type { StageChannel } from './channel.js';

/** Makes the job's private checkout of its baseline. Made again from nothing when it is called again. */
export async function worktree(
  task: WorktreeTask,
  settings: Settings,
  channel: StageChannel,
): Promise<WorktreeOutput> {
  if (task.stopping)
    return { ok: false, code: 'cancelled', message: 'The job ended before it had a worktree.' };
  const made = await makeWorktree({
    repositoriesDirectory: stateLayout(settings.stateDir).repositories,
    slot: task.jobId,
    workspaceRoot: task.submission.workspaceRoot,
    baseRef: task.submission.baseRef,
    environment: settings.environment,
    signal: channel.stop,
  });
  if (!made.ok) return { ok: false, code: made.fault.code, message: made.fault.message };
  return { ok: true, worktree: made.value };
}
