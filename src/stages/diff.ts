import { existsSync, rmdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { DiffOutput, PatchReport } from '../../machines/job.js';
import { backendOf } from '../agents/backends.js';
import type { Settings } from '../config.js';
import type { ErrorCode, Fault } from '../errors.js';
import { capturePatch } from '../git/patch.js';
import { releaseWorktree } from '../git/release.js';
import { deleteTree } from '../git/removal.js';
import { removeFile } from '../git/remove-file.js';
import { slotDirectory } from '../git/slot.js';
import { type Survey, surveySlot } from '../git/survey.js';
import { attemptLayout, jobLayout, stateLayout } from '../job/layout.js';
import type { DiffTask } from '../pool/messages.js';
import { isAlive, kill } from './agent-process.js';
import { aloneOnSlot } from './alone-on-slot.js';
import type { StageChannel } from './channel.js';
import { gitFault, isShortage } from './machine-fault.js';
import { patiently } from './patiently.js';
import { findAgent } from './start-agent.js';

/**
 * Captures the patch from baseline to result, unless the agent was only to read, then gives up the worktree and
 * removes the agent's scratch files. An agent that still runs, because its stage broke, is ended first. The work is in
 * the worktree and nowhere else: so the worktree stays while there is no room for the patch.
 */
export async function diff(task: DiffTask, settings: Settings, channel: StageChannel): Promise<DiffOutput> {
  const { jobId, submission } = task;
  const slot = slotDirectory(stateLayout(settings.stateDir).repositories, submission.repository, jobId);
  const { atWork } = jobLayout(settings.stateDir, jobId);
  const captureAndRelease = async (): Promise<Diffed> => {
    const diffed = await capture(task, slot, settings, channel);
    if (!isShort(diffed)) await release(task, slot, diffed.survey, settings, channel);
    return diffed;
  };
  const diffed = await patiently(
    async () => {
      await endAgent(task, settings);
      return aloneOnSlot(slot, atWork, captureAndRelease);
    },
    { isShort, failed, stop: channel.stop },
  );
  // There was no room in all that time, and the worktree goes all the same.
  if (isShort(diffed)) {
    await patiently(
      () => aloneOnSlot(slot, atWork, () => release(task, slot, diffed.survey, settings, channel)),
      { isShort: () => false, failed: () => undefined, stop: channel.stop },
    );
  }
  await removeScratch(task, settings);
  return diffed.output;
}

interface Diffed {
  output: DiffOutput;
  /** What the capture learned of the checkout, for the release. */
  survey?: Survey | undefined;
}

const isShort = ({ output }: Diffed): boolean => !output.ok && isShortage(output.code);

const failed = ({ code, message }: Fault): Diffed => ({ output: { ok: false, code, message, patch: null } });

async function endAgent(task: DiffTask, settings: Settings): Promise<void> {
  const agent = await findAgent(task.jobId, attemptLayout(settings.stateDir, task.jobId, task.attempts));
  if (agent !== null && isAlive(agent)) await kill(agent, task.jobId);
}

async function capture(
  { jobId, submission, baselineCommit }: DiffTask,
  slotDirectory: string,
  settings: Settings,
  channel: StageChannel,
): Promise<Diffed> {
  const reads = submission.kind !== 'delegate';
  if (reads || baselineCommit === null) return { output: { ok: true, patch: null } };
  const files = jobLayout(settings.stateDir, jobId);
  const { environment } = settings;
  const signal = channel.stop;
  const survey = await surveySlot(slotDirectory, baselineCommit, environment, signal);
  const captured = await capturePatch({
    slotDirectory,
    baselineCommit,
    patchFile: files.patch,
    filesFile: files.files,
    environment,
    signal,
    survey,
  });
  if (captured.ok) return { output: outputOf(captured.value), survey };
  return { ...failed(await gitFault(captured.fault, settings.stateDir)), survey };
}

const outputOf = (patch: PatchReport): DiffOutput =>
  patch.leftOut === undefined
    ? { ok: true, patch }
    : { ok: false, code: 'patch_too_large' satisfies ErrorCode, message: patch.leftOut, patch };

async function release(
  { baselineCommit }: DiffTask,
  slotDirectory: string,
  survey: Survey | undefined,
  { warmSlots, warmPaths, overlay, environment }: Settings,
  { stop: signal }: StageChannel,
): Promise<void> {
  await releaseWorktree({
    slotDirectory,
    baselineCommit,
    warmSlots,
    warmPaths,
    overlay,
    environment,
    signal,
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
