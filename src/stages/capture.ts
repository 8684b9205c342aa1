import type { DiffOutput, PatchReport } from '../../machines/job.js';
import type { Settings } from '../config.js';
import type { ErrorCode } from '../errors.js';
import { capturePatch } from '../git/patch.js';
import { type Survey, surveySlot } from '../git/survey.js';
import { jobLayout } from '../job/layout.js';
import type { DiffTask } from '../pool/messages.js';
import { freeBytes, gitFault, isShortage } from './machine-fault.js';

export interface Diffed {
  output: DiffOutput;
  /** What the capture learned of the checkout, for the release. */
  survey?: Survey | undefined;
}

/** Nothing ends a capture: it bounds itself. Each has a signal of its own, on which only its own git listens. */
export const neverStops = (): AbortSignal => new AbortController().signal;

/** git may be away for a moment, as while it is brought up to date. */
const NO_GIT: ErrorCode = 'git_not_found';

/** True where nothing was captured because the machine was short of something. */
export const isShort = ({ output }: Diffed): boolean =>
  !output.ok && output.patch === null && (isShortage(output.code) || output.code === NO_GIT);

/** Whether an agent may have changed files, and was to. */
export const hasWork = ({ submission, baselineCommit }: DiffTask): boolean =>
  submission.kind === 'delegate' && baselineCommit !== null;

/**
 * Captures the patch of a job, unless its agent was only to read. A patch that had to leave something out, because it
 * would be larger than `maxPatchBytes`, is a failure that keeps it.
 */
export async function capture(
  task: DiffTask,
  slotDirectory: string,
  settings: Settings,
  maxPatchBytes?: number,
): Promise<Diffed> {
  const { jobId, baselineCommit } = task;
  if (!hasWork(task) || baselineCommit === null) return { output: { ok: true, patch: null } };
  const files = jobLayout(settings.stateDir, jobId);
  const { environment } = settings;
  const signal = neverStops();
  const survey = await surveySlot(slotDirectory, baselineCommit, environment, signal);
  const captured = await capturePatch({
    slotDirectory,
    baselineCommit,
    patchFile: files.patch,
    filesFile: files.files,
    environment,
    signal,
    survey,
    ...(maxPatchBytes === undefined ? {} : { maxPatchBytes }),
  });
  if (captured.ok) return { output: outputOf(captured.value), survey };
  const { code, message } = await gitFault(captured.fault, settings.stateDir);
  return { output: { ok: false, code, message, patch: null }, survey };
}

const outputOf = (patch: PatchReport): DiffOutput =>
  patch.leftOut === undefined
    ? { ok: true, patch }
    : { ok: false, code: 'patch_too_large' satisfies ErrorCode, message: patch.leftOut, patch };

/** A machine that has no room or memory for all of the work may have some for the smaller files. */
const MAX_SMALLER_BYTES = 4 * 1024 * 1024;
/** While their patch is made, the files may take sixteen times as much beside it. */
const ROOM_OF_PATCH = 1 / 32;

/** Bytes of the patch that is tried where there was no room for all of it. */
export const smallerPatchBytes = async (slotDirectory: string): Promise<number> =>
  Math.min(MAX_SMALLER_BYTES, Math.floor((await freeBytes(slotDirectory)) * ROOM_OF_PATCH));
