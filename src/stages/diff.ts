import { rm } from 'node:fs/promises';
import type { DiffOutput } from '../../machines/job.js';
import { backendOf } from '../agents/backends.js';
import type { Settings } from '../config.js';
import { capturePatch } from '../git/patch.js';
import { releaseWorktree } from '../git/release.js';
import { deleteTree } from '../git/removal.js';
import { slotDirectory } from '../git/slot.js';
import { type Survey, surveySlot } from '../git/survey.js';
import { attemptLayout, jobLayout, stateLayout } from '../job/layout.js';
import type { DiffTask } from '../pool/messages.js';
import { isAlive, kill } from './agent-process.js';
import { aloneOnSlot } from './alone-on-slot.js';
import type { StageChannel } from './channel.js';
import { gitFault, isShortage } from './machine-fault.js';
import { type Patience, patiently } from './patiently.js';
import { findAgent } from './start-agent.js';

/**
 * Captures the patch from baseline to result, unless the agent was only to read, then gives up the worktree and removes the agent's scratch files. An
 * agent that still runs, because its stage broke, is ended first. The work is in the worktree and nowhere else: so
 * the worktree stays while there is no room for the patch.
 */
export async function diff(task: DiffTask, settings: Settings, channel: StageChannel): Promise<DiffOutput> {
  const slot = slotDirectory(
    stateLayout(settings.stateDir).repositories,
    task.submission.repository,
    task.jobId,
  );
  const { atWork } = jobLayout(settings.stateDir, task.jobId);
  const patience: Patience<Diffed> = {
    isShort: ({ output }) => !output.ok && isShortage(output.code),
    failed: ({ code, message }) => ({ output: { ok: false, code, message } }),
    stop: channel.stop,
  };
  const diffed = await patiently(async () => {
    await endAgent(task, settings);
    return aloneOnSlot(slot, atWork, () => capture(task, slot, settings, channel));
  }, patience);
  const release = () =>
    releaseWorktree({
      slotDirectory: slot,
      baselineCommit: task.baselineCommit,
      warmSlots: settings.warmSlots,
      overlay: settings.overlay,
      warmPaths: settings.warmPaths,
      environment: settings.environment,
      signal: channel.stop,
      survey: diffed.survey,
    });
  const cleanUp = async () => {
    await aloneOnSlot(slot, atWork, release);
    await removeScratch(task, settings);
    return diffed;
  };
  const { output } = await patiently(cleanUp, { ...patience, isShort: () => false });
  return output;
}

interface Diffed {
  output: DiffOutput;
  /** What the capture learned of the checkout, for the release. */
  survey?: Survey | undefined;
}

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
  if (captured.ok) return { output: { ok: true, patch: captured.value }, survey };
  const { code, message } = await gitFault(captured.fault, settings.stateDir);
  return { output: { ok: false, code, message }, survey };
}

/** What only a running agent needed. Its output, its thread and the artifacts stay until the job is pruned. */
async function removeScratch(task: DiffTask, settings: Settings): Promise<void> {
  const files = jobLayout(settings.stateDir, task.jobId);
  const backend = await backendOf(task.submission.backend);
  const attempts = Array.from({ length: task.attempts }, (_, index) =>
    attemptLayout(settings.stateDir, task.jobId, index + 1),
  );
  const remove = (path: string) => rm(path, { recursive: true, force: true });
  const scratch = attempts.flatMap(({ prompt, claim, launch }) => [prompt, claim, launch]);
  await Promise.all([
    backend.tidy(files.directory),
    // An agent may leave directories there that nobody may write to, as Go does.
    remove(files.temporary).catch(() => deleteTree(files.temporary)),
    ...scratch.map(remove),
  ]).catch(() => undefined);
}
