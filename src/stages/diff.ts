import { existsSync, rmdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { DiffOutput, StageFailure } from '../../machines/job.js';
import { backendOf } from '../agents/backends.js';
import type { Settings } from '../config.js';
import type { ErrorCode, Fault } from '../errors.js';
import { releaseWorktree } from '../git/release.js';
import { deleteTree } from '../git/removal.js';
import { removeFile } from '../git/remove-file.js';
import { slotDirectory } from '../git/slot.js';
import { type PoolBounds, trimPool } from '../git/slot-pool.js';
import type { Survey } from '../git/survey.js';
import { attemptLayout, jobLayout, stateLayout } from '../job/layout.js';
import type { DiffTask } from '../pool/messages.js';
import { isAlive, kill } from './agent-process.js';
import { aloneOnSlot } from './alone-on-slot.js';
import { capture, type Diffed, hasWork, isShort, neverStops, smallerPatchBytes } from './capture.js';
import type { StageChannel } from './channel.js';
import { PATIENCE_WITH_WORK_MS, patiently } from './patiently.js';
import { findAgent } from './start-agent.js';

const FULL: ErrorCode = 'disk_full';
const NOTHING_KEPT: PoolBounds = { warmSlots: 0, overlay: false };

/**
 * Captures the patch from baseline to result, unless the agent was only to read, then gives up the worktree and
 * removes the agent's scratch files. An agent that still runs, because its stage broke, is ended first. The work is in
 * the worktree and nowhere else: so the worktree stays while there is no room for the patch, for an hour at most, or
 * until the job is cancelled. Then as much is kept as there is room for, and the shortage is the cause.
 */
export async function diff(task: DiffTask, settings: Settings, channel: StageChannel): Promise<DiffOutput> {
  const { jobId, submission } = task;
  const { repositories } = stateLayout(settings.stateDir);
  const slot = slotDirectory(repositories, submission.repository, jobId);
  const { atWork, temporary } = jobLayout(settings.stateDir, jobId);
  const captureAndRelease = async (maxPatchBytes?: number): Promise<Diffed> => {
    await endAgent(task, settings);
    return aloneOnSlot(slot, atWork, async () => {
      const diffed = await capture(task, slot, settings, maxPatchBytes);
      if (!isShort(diffed)) await release(task, slot, diffed.survey, settings);
      return diffed;
    });
  };
  const waits = ({ output }: Diffed) => {
    if (output.ok) return;
    channel.report({ ...task.progress, activity: tellWait(output) });
    if (output.code !== FULL) return;
    // Nobody needs the one any more, and the other only makes later jobs faster.
    removeTemporary(temporary).catch(() => undefined);
    trimPool(repositories, NOTHING_KEPT).catch(() => undefined);
  };
  const patience = { isShort, failed, stop: channel.stop, waits };
  const patienceMs = hasWork(task) ? PATIENCE_WITH_WORK_MS : undefined;
  let diffed = await patiently(() => captureAndRelease(), { ...patience, patienceMs });
  if (isShort(diffed)) {
    const most = await smallerPatchBytes(slot);
    const less = await patiently(() => captureAndRelease(most), { ...patience, patienceMs: 0 });
    diffed = because(diffed, less);
  }
  // There was no room for anything, and the worktree goes all the same.
  if (isShort(diffed)) {
    await patiently(() => aloneOnSlot(slot, atWork, () => release(task, slot, diffed.survey, settings)), {
      isShort: () => false,
      failed: () => undefined,
      stop: channel.stop,
    });
  }
  await removeScratch(task, settings);
  return diffed.output;
}

const failed = ({ code, message }: Fault): Diffed => ({ output: { ok: false, code, message, patch: null } });

const tellWait = ({ code, message }: StageFailure): string =>
  `Waits to capture the patch, after ${code}: ${message} A cancel ends the wait.`;

/** A patch of less than all, with the shortage for which it is that. */
function because({ output: shortage }: Diffed, less: Diffed): Diffed {
  const { output } = less;
  if (shortage.ok || output.ok || output.patch === null) return less;
  const message = `${shortage.message} The patch holds what there was room for.`;
  return { ...less, output: { ...output, code: shortage.code, message } };
}

async function endAgent(task: DiffTask, settings: Settings): Promise<void> {
  const agent = await findAgent(task.jobId, attemptLayout(settings.stateDir, task.jobId, task.attempts));
  if (agent !== null && isAlive(agent)) await kill(agent, task.jobId);
}

async function release(
  { baselineCommit }: DiffTask,
  slotDirectory: string,
  survey: Survey | undefined,
  { warmSlots, warmPaths, overlay, environment }: Settings,
): Promise<void> {
  await releaseWorktree({
    slotDirectory,
    baselineCommit,
    warmSlots,
    warmPaths,
    overlay,
    environment,
    signal: neverStops(),
    survey,
  });
}

/** What only a running agent needed. Its output, its thread and the artifacts stay until the job is pruned. */
async function removeScratch(task: DiffTask, settings: Settings): Promise<void> {
  const files = jobLayout(settings.stateDir, task.jobId);
  const backend = backendOf(task.submission.backend);
  try {
    for (let attempt = 1; attempt <= task.attempts; attempt += 1) {
      const { prompt, claim, launch } = attemptLayout(settings.stateDir, task.jobId, attempt);
      for (const file of [prompt, claim, launch]) removeFile(file);
    }
    await Promise.all([backend.tidy(files.directory), removeTemporary(files.temporary)]);
  } catch {
    // What stays goes with the job.
  }
}

/** Most agents leave nothing there; one may leave directories that nobody may write to, as Go does. */
async function removeTemporary(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  try {
    rmdirSync(directory);
  } catch {
    await rm(directory, { recursive: true, force: true }).catch(() => deleteTree(directory));
  }
}
