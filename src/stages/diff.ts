import { rm } from 'node:fs/promises';
import type { DiffOutput } from '../../machines/job.js';
import { backendOf } from '../agents/backends.js';
import type { Settings } from '../config.js';
import { capturePatch } from '../git/patch.js';
import { removeWorktree } from '../git/removal.js';
import { slotDirectory } from '../git/slot.js';
import { attemptLayout, jobLayout, stateLayout } from '../job/layout.js';
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
  await removeScratch(task, settings);
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
async function removeScratch(task: DiffTask, settings: Settings): Promise<void> {
  const files = jobLayout(settings.stateDir, task.jobId);
  const backend = await backendOf(task.submission.backend);
  const attempts = Array.from({ length: task.attempts }, (_, index) =>
    attemptLayout(settings.stateDir, task.jobId, index + 1),
  );
  const scratch = [
    files.temporary,
    ...attempts.flatMap(({ prompt, claim, launch }) => [prompt, claim, launch]),
  ];
  await Promise.all([
    backend.tidy(files.directory),
    ...scratch.map((path) => rm(path, { recursive: true, force: true })),
  ]).catch(() => undefined);
}
