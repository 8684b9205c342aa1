import { accessSync, chmodSync, constants, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, succeed } from '../errors.js';
import type { CheckedOutSubmodule } from './additions.js';
import { absolutePath, type BytePath, lookAt, lookInside, pathList, splitRecords } from './byte-path.js';
import { nameSome } from './carried-files.js';
import type { CallerEnvironment } from './environment.js';
import { explain } from './explain.js';
import { type GitContext, type GitFailure, runGit } from './git.js';
import { copyIndex } from './git-directory.js';
import { baselineFilesOf, dropIgnored } from './ignore-rules.js';
import { type IndexChanges, recordInIndex } from './index-changes.js';
import { partOfIndex } from './index-part.js';
import { recordModes, sortLargeFiles } from './large-files.js';
import { findLargest } from './left-files.js';
import { recordPlainly, type Trees } from './plain-record.js';
import { type SlotLayout, slotContext, treesContext } from './slot.js';
import { submoduleSlot } from './submodules.js';
import { type Survey, surveyCheckout } from './survey.js';
import { dropUnfinished } from './unfinished-objects.js';

export interface RecordedCheckout extends Trees {
  /** Too large to be looked at: the trees are as if nothing had happened to these files. */
  left: SizedFile[];
  warnings: string[];
}

interface SizedFile {
  path: BytePath;
  bytes: number;
}

const READING = "reading the agent's changes";
const OWNER_READ = 0o400;
/** Files compress, and most of a large changed file may be unchanged: so they may be larger than their patch. */
const ALL_FILES_TO_PATCH = 16;
/** git holds one file at a time, but of one that was changed nearly four times its size. */
const ONE_FILE_TO_PATCH = 4;

/**
 * Records what changed in the checkout, as the survey found it, in trees of the slot. Starts from our trusted
 * index of the baseline commit; the agent's git directory, its index and its ignore rules have no say. The changed
 * files may be larger than `maxPatchBytes`, but within bounds: the largest are left out until the rest is.
 */
export async function recordCheckout(
  slot: SlotLayout,
  survey: Survey,
  maxPatchBytes: number,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<Outcome<RecordedCheckout>> {
  const { additions, changes, walked } = survey;
  const insides = await warnOfSubmodules(slot, additions.submodules, maxPatchBytes, environment, signal);
  const continued = new Set(additions.continued);
  const news = walked.untracked.filter((path) => !continued.has(path));
  const kept = await dropIgnored(news, baselineFilesOf(survey), slot, environment, signal);
  if (!kept.ok) return explain(kept, 'patch_failed', READING);
  const changedFiles = new Set(changes.changed);
  const largeFiles = await sortLargeFiles(
    slot,
    additions.largeFiles.filter(({ path }) => changedFiles.has(path)),
  );
  const included = new Set(additions.included);
  const changed = [
    ...changes.changed.filter((path) => !largeFiles.unchanged.has(path)),
    ...walked.reappeared,
    ...walked.untracked.filter((path) => continued.has(path)),
    ...kept.paths.filter((path) => !included.has(path)),
  ];
  const { tooLarge, closed } = makeReadable(slot.checkout, changed, maxPatchBytes);
  const left = new Set([...tooLarge.map(({ path }) => path), ...closed]);
  const recorded = await record(
    slot,
    survey,
    { removed: changes.removed, changed: changed.filter((path) => !left.has(path)) },
    largeFiles.unchanged,
    environment,
    signal,
  );
  if (!recorded.ok) {
    dropUnfinished(slot.gitDirectory);
    return explain(recorded, 'patch_failed', READING);
  }
  return succeed({
    before: recorded.before,
    after: recorded.after,
    left: tooLarge,
    warnings: [
      ...walked.warnings,
      ...warnOfRefused(recorded.refused),
      ...warnOfClosed(closed),
      ...warnOfLargeFiles(largeFiles.whole.filter((path) => !left.has(path))),
      ...insides,
    ],
  });
}

type Recorded = ({ ok: true; refused: number } & Trees) | GitFailure;

/** `withoutContent`: files of which the mode alone is recorded. */
async function record(
  slot: SlotLayout,
  survey: Survey,
  changes: IndexChanges,
  withoutContent: ReadonlySet<BytePath>,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<Recorded> {
  const { read } = survey.index;
  const isPlain = read !== null && read.odd().length === 0 && withoutContent.size === 0;
  const trees = isPlain ? recordPlainly(slot.checkout, read, changes, slot.objects) : null;
  if (trees !== null) return { ok: true, refused: 0, ...trees };
  const context = takeTrustedIndex(slot, survey, environment, signal);
  const before = await writeTree(context);
  if (!before.ok) return before;
  const modes = await recordModes(context, withoutContent);
  if (!modes.ok) return modes;
  const recorded = await recordChanges(context, changes, survey.walked.reappeared);
  if (!recorded.ok) return recorded;
  const after = await writeTree(context);
  return after.ok ? { ...recorded, before: before.tree, after: after.tree } : after;
}

async function writeTree(context: GitContext): Promise<{ ok: true; tree: string } | GitFailure> {
  // Objects that a partial clone does not have are not asked for.
  const written = await runGit(context, ['write-tree', '--missing-ok']);
  return written.ok ? { ok: true, tree: written.stdout.toString('latin1').trim() } : written;
}

/** git leaves paths alone that are marked as absent, so those that are there again lose the mark first. */
async function recordChanges(context: GitContext, changes: IndexChanges, reappeared: readonly BytePath[]) {
  if (reappeared.length > 0) {
    const unmarked = await runGit(
      context,
      ['update-index', '--no-skip-worktree', '-z', '--stdin'],
      pathList(reappeared),
    );
    if (!unmarked.ok) return unmarked;
  }
  return recordInIndex(context, changes);
}

const warnOfLargeFiles = (paths: readonly BytePath[]): string[] =>
  paths.length === 0
    ? []
    : [
        `The patch holds the whole content of changed git-lfs files, not pointers: apply it without --index, then git add makes pointers of them: ${nameSome(paths)}.`,
      ];

/** A patch of the superproject cannot hold what changed inside a submodule, so the files are named. */
async function warnOfSubmodules(
  slot: SlotLayout,
  submodules: readonly CheckedOutSubmodule[],
  maxPatchBytes: number,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<string[]> {
  const warnings: string[] = [];
  const changed: BytePath[] = [];
  for (const submodule of submodules) {
    if (!lookInside(slot.checkout, submodule.path)?.isDirectory()) continue;
    const inner = submoduleSlot(slot, submodule);
    const survey = await surveyCheckout(inner, submodule.commit, environment, signal);
    const inside = survey.ok
      ? await recordCheckout(inner, survey.value, maxPatchBytes, environment, signal)
      : survey;
    if (!inside.ok) {
      warnings.push(`Whether files of the submodule ${nameSome([submodule.path])} changed is not known.`);
      continue;
    }
    const { before, after, left } = inside.value;
    changed.push(...left.map(({ path }) => `${submodule.path}/${path}`));
    const context = treesContext(inner, environment, signal);
    const listed = await runGit(context, ['diff-tree', '-r', '--name-only', '-z', before, after]);
    if (listed.ok) changed.push(...splitRecords(listed.stdout).map((path) => `${submodule.path}/${path}`));
    warnings.push(...inside.value.warnings);
  }
  if (changed.length === 0) return warnings;
  return [
    ...warnings,
    `Changes inside submodules cannot be in a patch of this repository and were left out; start a job on the submodule itself: ${nameSome(changed)}.`,
  ];
}

const warnOfRefused = (count: number): string[] =>
  count === 0 ? [] : [`Names that git does not store, like ".GIT", were left out: ${count}.`];

const warnOfClosed = (paths: readonly BytePath[]): string[] =>
  paths.length === 0 ? [] : [`Files that only another user may read were left out: ${nameSome(paths)}.`];

/**
 * Changes are recorded in an index of their own: our trusted one stays the baseline's, so that the capture can be
 * repeated. It begins with the entries of all that changed, and with those that git does not look at, for a new file
 * may lie in their way. Where we could not read the index, it begins as a copy.
 */
function takeTrustedIndex(
  slot: SlotLayout,
  { index, changes, walked }: Survey,
  environment: CallerEnvironment,
  signal: AbortSignal,
): GitContext {
  const own = join(slot.gitDirectory, 'capture-index');
  for (const path of [own, `${own}.lock`]) rmSync(path, { force: true });
  if (index.read === null) copyIndex(slot.index, own);
  else {
    const odd = index.odd().map(({ path }) => path);
    writeFileSync(
      own,
      partOfIndex(index.read, [...changes.changed, ...changes.removed, ...walked.reappeared, ...odd]),
    );
  }
  return slotContext(slot, environment, signal, own);
}

interface Readable {
  tooLarge: SizedFile[];
  /** Files of another user that are closed to us: git would give up all for one of them. */
  closed: BytePath[];
}

/** Lets the owner read every changed file, and finds those that cannot be looked at. */
function makeReadable(checkout: string, paths: readonly BytePath[], maxPatchBytes: number): Readable {
  const sizes: SizedFile[] = [];
  const closed: BytePath[] = [];
  for (const path of paths) {
    const absolute = absolutePath(checkout, path);
    const found = lookAt(checkout, path);
    // Where we cannot look, as where the path is too long for the system, git may.
    if (!found?.isFile()) continue;
    if ((found.mode & OWNER_READ) === 0) letOwnerRead(absolute, found.mode);
    if (found.uid !== process.getuid?.() && !mayRead(absolute)) closed.push(path);
    else sizes.push({ path, bytes: found.size });
  }
  const mostOfOne = maxPatchBytes * ONE_FILE_TO_PATCH;
  const each = sizes.filter(({ bytes }) => bytes > mostOfOne);
  const others = sizes.filter(({ bytes }) => bytes <= mostOfOne);
  return { tooLarge: [...each, ...findLargest(others, maxPatchBytes * ALL_FILES_TO_PATCH)], closed };
}

function mayRead(path: Buffer): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EACCES';
  }
}

/** Where that is refused, git tells whether it can read the file all the same. */
function letOwnerRead(path: Buffer, mode: number): void {
  try {
    chmodSync(path, (mode & 0o777) | OWNER_READ);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}
