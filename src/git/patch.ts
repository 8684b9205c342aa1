import { lstat } from 'node:fs/promises';
import type { PatchReport } from '../../machines/job.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import { refuseTooLarge, storeTree } from './changed-tree.js';
import { DurableFile, writeDurably } from './durable-file.js';
import type { CallerEnvironment } from './environment.js';
import { explain, explainSystemError } from './explain.js';
import { type GitContext, runGit, streamGit } from './git.js';
import { splitRecords } from './index-changes.js';
import { type PatchFile, readPatchFiles } from './patch-files.js';
import { findFlags } from './patch-flags.js';
import { makeView } from './patch-view.js';
import { readRegularFile } from './regular-file.js';
import { slotContext, slotLayout } from './slot.js';

export interface CapturePlan {
  slotDirectory: string;
  /** Commit that the patch starts from, as `makeWorktree` gave it. */
  baselineCommit: string;
  /**
   * Where the patch goes. Beside it, `.report` says that the capture is complete; where a secret is in the
   * patch, `.shown` holds what may be shown of it, and `.view` is the `PatchView` that tells of that.
   */
  patchFile: string;
  /** Where the file list goes: a JSON array of `KeptFile`. */
  filesFile: string;
  environment: CallerEnvironment;
  signal: AbortSignal;
  /** Bytes of the patch, at most; 256 MiB unless set. */
  maxPatchBytes?: number;
}

const DEFAULT_MAX_PATCH_BYTES = 256 * 1024 * 1024;
/** Files compress, and most of a large changed file may be unchanged: so they may be larger than their patch. */
const FILES_TO_PATCH = 16;
const WRITING = 'writing the patch';

/** Nothing that a repository or a user can configure changes the form of the patch. */
const diffOptions = ['-r', '--no-ext-diff', '--no-textconv', '--no-color', '--ignore-submodules=none'];
const findRenames = ['-M', '-l1000'];
const noRenames = ['--no-renames'];

/**
 * Captures what the agent changed: the exact bytes from the baseline to the checkout as it lies, wherever the
 * agent's own HEAD is. Call it when the agent's processes are dead. Safe to call again at any point: once it
 * has finished it answers from what it wrote, also when the worktree is gone. Refuses with `patch_failed`,
 * `patch_too_large` or `git_not_found`.
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
  const slot = slotLayout(plan.slotDirectory);
  if (!(await isDirectory(slot.checkout))) {
    return refuse('patch_failed', { message: 'The worktree is gone, so there is nothing to capture.' });
  }
  const maxPatchBytes = plan.maxPatchBytes ?? DEFAULT_MAX_PATCH_BYTES;
  const stored = await storeTree(
    slot,
    plan.baselineCommit,
    maxPatchBytes * FILES_TO_PATCH,
    plan.environment,
    plan.signal,
  );
  if (!stored.ok) return stored;
  const context = slotContext(slot, plan.environment, plan.signal);
  const written = await writePatch(context, plan, stored.value.tree, maxPatchBytes);
  if (!written.ok) return written;
  const { files, comparison, patch } = written.value;
  const flags = await findFlags(context, files, comparison);
  const viewed = await makeView(plan.patchFile, files, context);
  const kept = viewed.map((file, index) => ({
    ...file,
    ...(flags[index]?.length ? { flags: flags[index] } : {}),
  }));
  const report: PatchReport = {
    ...patch,
    files: files.length,
    added: sum(files, 'added'),
    removed: sum(files, 'removed'),
    warnings: stored.value.warnings,
  };
  await writeDurably(plan.filesFile, JSON.stringify(kept));
  await writeDurably(reportFile(plan.patchFile), JSON.stringify(report));
  return succeed(report);
}

const reportFile = (patchFile: string): string => `${patchFile}.report`;
const MAX_REPORT_BYTES = 1024 * 1024;

/** The report of a capture that was finished. It is written last, so the other files are whole. */
async function readReport(patchFile: string): Promise<PatchReport | null> {
  const content = readRegularFile(reportFile(patchFile), MAX_REPORT_BYTES);
  return content === null ? null : (JSON.parse(content.toString('utf8')) as PatchReport);
}

const isDirectory = async (path: string): Promise<boolean> =>
  (await lstat(path).catch(() => null))?.isDirectory() ?? false;

/** The two trees to compare, and how renames are told. */
interface Comparison {
  baseline: string;
  tree: string;
  renames: readonly string[];
}

interface WrittenPatch {
  files: PatchFile[];
  comparison: Comparison;
  patch: Pick<PatchReport, 'bytes' | 'sha256'>;
}

/**
 * Finds renames, unless a symbolic link is among them: a pure rename does not tell its mode, so `git apply`
 * takes the link for a file and refuses a patch that puts a directory in its place.
 */
async function writePatch(
  context: GitContext,
  { baselineCommit, patchFile }: CapturePlan,
  tree: string,
  maxBytes: number,
): Promise<Outcome<WrittenPatch>> {
  for (const renames of [findRenames, noRenames]) {
    const comparison = { baseline: baselineCommit, tree, renames };
    const written = await writeComparison(context, comparison, patchFile, maxBytes);
    if (written !== null) return written;
  }
  throw new Error('A comparison without renames told of a rename.');
}

const isMovedLink = ({ oldPath, oldMode }: PatchFile): boolean =>
  oldPath !== undefined && oldMode === '120000';

/** One process lists the files and then writes the patch. Null when a link was moved, and nothing is written. */
async function writeComparison(
  context: GitContext,
  comparison: Comparison,
  path: string,
  maxBytes: number,
): Promise<Outcome<WrittenPatch> | null> {
  const { baseline, tree, renames } = comparison;
  const forms = ['--raw', '--numstat', '-z', '-p', '--binary', '--full-index'];
  const list = new FileList();
  const file = await DurableFile.create(path);
  try {
    const compared = await streamGit(
      context,
      ['diff-tree', ...forms, ...diffOptions, ...renames, baseline, tree],
      async (chunk) => {
        const patch = list.take(chunk);
        if (list.files.some(isMovedLink) || file.bytes + patch.length > maxBytes) return false;
        if (patch.length > 0) await file.write(patch);
        return true;
      },
    );
    if (compared.ok) {
      const patch = { bytes: file.bytes, sha256: await file.commit() };
      return succeed({ files: list.files, comparison, patch });
    }
    await file.discard();
    if (list.files.some(isMovedLink)) return null;
    if (compared.cause === 'output_too_large')
      return refuseTooLarge(maxBytes, await newSizes(context, comparison));
    return explain(compared, 'patch_failed', WRITING);
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** An empty field ends the list of files, which comes before the patch. */
const END_OF_LIST = '\0\0';

/** Takes the list of files from the beginning of what `git diff-tree` writes. */
class FileList {
  files: PatchFile[] = [];
  private held: Buffer | null = Buffer.alloc(0);

  /** Gives the part of the chunk that belongs to the patch. */
  take(chunk: Buffer): Buffer {
    if (this.held === null) return chunk;
    const bytes = Buffer.concat([this.held, chunk]);
    const end = bytes.indexOf(END_OF_LIST, Math.max(0, this.held.length - 1));
    this.held = end < 0 ? bytes : null;
    if (end < 0) return Buffer.alloc(0);
    this.files = readPatchFiles(bytes.subarray(0, end + 1));
    return bytes.subarray(end + END_OF_LIST.length);
  }
}

/** Sizes of the changed files, after the change. */
async function newSizes(
  context: GitContext,
  { baseline, tree }: Comparison,
): Promise<{ path: string; bytes: number }[]> {
  const [changed, listed] = await Promise.all([
    runGit(context, ['diff-tree', '-r', '--name-only', '-z', '--no-renames', baseline, tree]),
    runGit(context, ['ls-tree', '-r', '--long', '-z', tree]),
  ]);
  if (!changed.ok || !listed.ok) return [];
  const names = new Set(splitRecords(changed.stdout));
  return splitRecords(listed.stdout)
    .map((record) => {
      const tab = record.indexOf('\t');
      return { path: record.slice(tab + 1), bytes: Number(record.slice(0, tab).split(' ').at(-1)) || 0 };
    })
    .filter(({ path }) => names.has(path));
}

const sum = (files: readonly PatchFile[], field: 'added' | 'removed'): number =>
  files.reduce((total, file) => total + (file[field] ?? 0), 0);
