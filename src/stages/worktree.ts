import type { WorktreeOutput } from '../../machines/job.js';
import type { Settings } from '../config.js';
import { slotDirectory } from '../git/slot.js';
import { makeWorktree } from '../git/worktree.js';
import { jobLayout, stateLayout } from '../job/layout.js';
import type { WorktreeTask } from '../pool/messages.js';
import { aloneOnSlot } from './alone-on-slot.js';
import type { StageChannel } from './channel.js';
import { gitFault, isShortage } from './machine-fault.js';
import { patiently } from './patiently.js';

/** Makes the job's private checkout of its baseline. Made again from nothing when it is called again. */
export function worktree(
  task: WorktreeTask,
  settings: Settings,
  channel: StageChannel,
): Promise<WorktreeOutput> {
  return patiently(() => worktreeOnce(task, settings, channel), {
    isShort: (output) => !output.ok && isShortage(output.code),
    failed: ({ code, message }) => ({ ok: false, code, message }),
    stop: channel.stop,
  });
}

async function worktreeOnce(
  task: WorktreeTask,
  settings: Settings,
  channel: StageChannel,
): Promise<WorktreeOutput> {
  if (task.stopping)
    return { ok: false, code: 'cancelled', message: 'The job ended before it had a worktree.' };
  const { repositories } = stateLayout(settings.stateDir);
  const slot = slotDirectory(repositories, task.submission.repository, task.jobId);
  const made = await aloneOnSlot(slot, jobLayout(settings.stateDir, task.jobId).atWork, () =>
    makeWorktree({
      repositoriesDirectory: repositories,
      slot: task.jobId,
      workspaceRoot: task.submission.workspaceRoot,
      baseRef: task.submission.baseRef,
      includeUntracked: task.submission.includeUntracked,
      cleanFilters: settings.cleanFilters,
      environment: settings.environment,
      signal: channel.stop,
      warm: settings.warmSlots > 0,
    }),
  );
  if (made.ok) return { ok: true, worktree: made.value };
  const { code, message } = await gitFault(made.fault, settings.stateDir);
  return { ok: false, code, message };
}
