import { existsSync } from 'node:fs';
import type { PatchReport } from '../../machines/job.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import type { BytePath } from './byte-path.js';
import { nameSome } from './carried-files.js';
import { recordCheckout } from './changed-tree.js';
import { diffOptions, FileList, findRenames, listAndPatch } from './comparison.js';
import { NewFile } from './durable-file.js';
import type { CallerEnvironment } from './environment.js';
import { explain, explainSystemError } from './explain.js';
import { type FittingPatch, writeFitting } from './fitting-patch.js';
import { type GitContext, type GitFailure, streamGit } from './git.js';
import { describeLeft } from './left-files.js';
import { LINK_MODE } from './modes.js';
import { type PatchFile, readableName } from './patch-files.js';
import { findFlags } from './patch-flags.js';
import { finishCapture, readReport } from './patch-report.js';
import { makeView } from './patch-view.js';
import type { Trees } from './plain-record.js';
import { layoutOf, type SlotLayout, slotContext, treesContext } from './slot.js';
import { type Survey, surveyCheckout } from './survey.js';
import { type StoodIn, standInForUnknown } from './unknown-content.js';

export interface CapturePlan {
  slotDirectory: string;
  /** Commit that the patch starts from, as `makeWorktree` gave it. */
  baselineCommit: string;
  /**
   * Where the patch goes. Beside it, `.report` says that the capture is complete; where a secret is in the
   * patch, `.shown` holds what may be shown of it, and `.view` is the `PatchView` that tells of that.
   */
  patchFile: string;
  /** What the checkout differs in, where that is known. */
  survey?: Survey | undefined;
  /** Where the file list goes: a JSON array of `KeptFile`. */
  filesFile: string;
  environment: CallerEnvironment;
  signal: AbortSignal;
  /** Bytes of the patch, at most; 256 MiB unless set. */
  maxPatchBytes?: number;
}

const DEFAULT_MAX_PATCH_BYTES = 256 * 1024 * 1024;
const WRITING = 'writing the patch';

const noRenames = ['--no-renames'];

/**
 * Captures what the agent changed: the exact bytes from the baseline to the checkout as it lies, wherever the
 * agent's own HEAD is. Call it when the agent's processes are dead. Safe to call again at any point: once it
 * has finished it answers from what it wrote, also when the worktree is gone. Of changes that are larger than a patch may
 * be, the largest are left out, which the report tells. Refuses with `patch_failed` or `git_not_found`.
 */
export async function capturePatch(plan: CapturePlan): Promise<Outcome<PatchReport>> {
  const finished = await readReport(plan.patchFile);
  if (finished !== null) return succeed(finished);
  try {
    return await captureNow(plan);
  } catch (error) {
    return explainSystemError(error, 'patch_failed', WRITING);
  }
}

async function captureNow(plan: CapturePlan): Promise<Outcome<PatchReport>> {
  const slot = layoutOf(plan.slotDirectory);
  // A scrub that was broken off followed a capture that failed: what lies there is not the agent's any more.
  if (existsSync(slot.scrub)) {
    return refuse('patch_failed', { message: 'The worktree was given up before its patch was captured.' });
  }
  const maxPatchBytes = plan.maxPatchBytes ?? DEFAULT_MAX_PATCH_BYTES;
  const { baselineCommit, environment, signal } = plan;
  const survey = plan.survey
    ? succeed(plan.survey)
    : await surveyCheckout(slot, baselineCommit, environment, signal);
  if (!survey.ok) return survey;
  const recorded = await recordCheckout(slot, survey.value, maxPatchBytes, environment, signal);
  if (!recorded.ok) return recorded;
  const { warnings, left: tooLarge, ...trees } = recorded.value;
  const known = await findKnown(slot, survey.value, trees, treesContext(slot, environment, signal));
  if (!known.ok) return explain(known, 'patch_failed', WRITING);
  const { context, unknown } = known;
  const written = await writePatch(context, trees, plan.patchFile, maxPatchBytes);
  if (!written.ok) return written;
  const { files, bytes, sha256 } = written.value;
  const left = [
    ...tooLarge.map(({ path, bytes }) => ({ path: readableName(path), bytes })),
    ...written.value.left,
  ];
  const flags = await findFlags(context, files, trees);
  const viewed = await makeView(plan.patchFile, files, slotContext(slot, environment, signal));
  const kept = viewed.map((file, index) => ({
    ...file,
    ...(flags[index]?.length ? { flags: flags[index] } : {}),
  }));
  const report: PatchReport = {
    bytes,
    sha256,
    files: files.length,
    added: sum(files, 'added'),
    removed: sum(files, 'removed'),
    warnings: [...warnings, ...warnOfUnknown(unknown)],
    ...(left.length === 0 ? {} : { leftOut: describeLeft(left, maxPatchBytes) }),
  };
  await finishCapture(plan.patchFile, { path: plan.filesFile, content: JSON.stringify(kept) }, report);
  return succeed(report);
}

/** Only files that a sparse checkout does not have may have content that a partial clone does not have. */
const findKnown = async (
  slot: SlotLayout,
  { tracked }: Survey,
  trees: Trees,
  context: GitContext,
): Promise<StoodIn | GitFailure> =>
  tracked.absent.size === 0 || trees.before === trees.after
    ? { ok: true, context, unknown: [] }
    : standInForUnknown(slot, context, trees);

const warnOfUnknown = (paths: readonly BytePath[]): string[] =>
  paths.length === 0
    ? []
    : [
        `The partial clone has no content of files that were changed or removed, so the patch shows no lines of them; it applies where git can fetch them: ${nameSome(paths)}.`,
      ];

type WrittenPatch = Omit<FittingPatch, 'ok'>;

/**
 * Finds renames, unless a symbolic link is among them: a pure rename does not tell its mode, so `git apply`
 * takes the link for a file and refuses a patch that puts a directory in its place.
 */
async function writePatch(
  context: GitContext,
  { before, after }: Trees,
  patchFile: string,
  maxBytes: number,
): Promise<Outcome<WrittenPatch>> {
  if (before === after)
    return succeed({ files: [], left: [], bytes: 0, sha256: new NewFile(patchFile).place() });
  for (const renames of [findRenames, noRenames]) {
    const written = await writeComparison(context, [...renames, before, after], patchFile, maxBytes);
    if (written !== null) return written;
  }
  throw new Error('A comparison without renames told of a rename.');
}

const isMovedLink = ({ oldPath, oldMode }: PatchFile): boolean =>
  oldPath !== undefined && oldMode === LINK_MODE;

/** One git lists the files and then writes the patch. Null when a link was moved, and nothing is written. */
async function writeComparison(
  context: GitContext,
  comparison: readonly string[],
  path: string,
  maxBytes: number,
): Promise<Outcome<WrittenPatch> | null> {
  const list = new FileList();
  const file = new NewFile(path);
  const compare = ['diff-tree', '-r', ...listAndPatch, '--binary', ...diffOptions, ...comparison];
  let movesLink: boolean | undefined;
  try {
    const compared = await streamGit(context, compare, (chunk) => {
      const patch = list.take(chunk);
      if (list.ended) movesLink ??= list.files.some(isMovedLink);
      if (movesLink || file.bytes + patch.length > maxBytes) return false;
      if (patch.length > 0) file.write(patch);
      return true;
    });
    if (compared.ok) return succeed({ files: list.files, left: [], bytes: file.bytes, sha256: file.place() });
    file.discard();
    if (movesLink) return null;
    if (compared.cause !== 'output_too_large') return explain(compared, 'patch_failed', WRITING);
  } catch (error) {
    file.discard();
    throw error;
  }
  const fitting = await writeFitting(context, compare, path, maxBytes);
  return fitting.ok ? succeed(fitting) : explain(fitting, 'patch_failed', WRITING);
}

const sum = (files: readonly PatchFile[], field: 'added' | 'removed'): number =>
  files.reduce((total, file) => total + (file[field] ?? 0), 0);
