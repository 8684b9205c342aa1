import { rm } from 'node:fs/promises';
import type { DiffOutput } from '../../machines/job.js';
import type { Settings } from '../config.js';
import { capturePatch } from '../git/patch.js';
import { removeWorktree } from '../git/removal.js';
import { slotDirectory } from '../git/slot.js';
import { jobLayout, stateLayout } from '../job/layout.js';
import type { DiffTask } from '../pool/messages.js';
import type { StageChannel } from './channel.js';

/** Captures the patch from baseline to result, then removes the worktree and the agent's scratch files. */
export async function diff(task: DiffTask, settings: Settings, channel: StageChannel): Promise<DiffOutput> {
  const slot = slotDirectory(
    stateLayout(settings.stateDir).repositories,
    task.submission.repository,
    task.jobId,
  );
  const output = await capture(task, slot, settings, channel);
  await removeWorktree(slot);
  await removeScratch(settings.stateDir, task.jobId);
  return output;
}

async function capture(
  task: DiffTask,
  slot: string,
  settings: Settings,
  channel: StageChannel,
): Promise<DiffOutput> {
  if (task.baselineCommit === null) return { ok: true, patch: null };
  const files = jobLayout(settings.stateDir, task.jobId);
  const captured = await capturePatch({
    slotDirectory: slot,
    baselineCommit: task.baselineCommit,
    patchFile: files.patch,
    filesFile: files.files,
    environment: settings.environment,
    signal: channel.stop,
  });
  if (!captured.ok) return { ok: false, code: captured.fault.code, message: captured.fault.message };
  return { ok: true, patch: captured.value };
}

/** What only a running agent needed. Its output, its thread and the artifacts stay until the job is pruned. */
async function removeScratch(stateDir: string, jobId: string): Promise<void> {
  const files = jobLayout(stateDir, jobId);
  const scratch = [files.prompt, files.temporary, files.launch, files.claim];
  await Promise.all(scratch.map((path) => rm(path, { recursive: true, force: true }).catch(() => undefined)));
}
