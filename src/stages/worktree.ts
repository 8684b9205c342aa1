import type { WorktreeOutput } from '../../machines/job.js';
import { backendOf } from '../agents/backends.js';
import type { Settings } from '../config.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import type { Continued } from '../git/kept-baseline.js';
import { slotDirectory } from '../git/slot.js';
import { jobLayout, stateLayout } from '../job/layout.js';
import type { WorktreeTask } from '../pool/messages.js';
import { aloneOnSlot } from './alone-on-slot.js';
import type { StageChannel } from './channel.js';
import { makeCheckout } from './checkout.js';
import { gitFault, isShortage } from './machine-fault.js';
import { patiently } from './patiently.js';

/**
 * Makes the job's private checkout of its baseline; for a job that goes on from an earlier one, with all that it
 * takes over. Made again from nothing when it is called again.
 */
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
  const { atWork } = jobLayout(settings.stateDir, task.jobId);
  const made = await aloneOnSlot(slot, atWork, async () => {
    const continues = await takeOver(task, settings);
    return continues.ok ? makeCheckout(slot, continues.value, task, settings, channel) : continues;
  });
  if (made.ok) return { ok: true, worktree: made.value };
  const { code, message } = await gitFault(made.fault, settings.stateDir);
  return { ok: false, code, message };
}

/** Takes the earlier job's thread over and tells where the rest lies; null for a job that begins anew. */
async function takeOver(
  { jobId, submission: { continues, backend: name } }: WorktreeTask,
  settings: Settings,
): Promise<Outcome<Continued | null>> {
  if (continues === null) return succeed(null);
  const earlier = jobLayout(settings.stateDir, continues.jobId);
  const backend = backendOf(name);
  if (!(await backend.adopt(earlier.directory, jobLayout(settings.stateDir, jobId).directory))) {
    return refuse('cannot_continue', { message: 'The thread of the earlier job is gone.' });
  }
  return succeed({
    baselineCommit: continues.baselineCommit,
    keptObjects: earlier.baseline,
    patch: { file: earlier.patch, ...continues.patch },
  });
}
