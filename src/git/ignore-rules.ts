import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { absolutePath, type BytePath, lookAt, parentOf, pathList, splitRecords } from './byte-path.js';
import type { CallerEnvironment } from './environment.js';
import { type GitContext, type GitFailure, runGit } from './git.js';
import { type SlotLayout, slotContext } from './slot.js';
import type { Survey } from './survey.js';

export const IGNORE_RULES = '.gitignore';

/** What the trusted index tells of the checkout. */
export interface BaselineFiles {
  /** Its `.gitignore` files. */
  rules: readonly BytePath[];
  /** Paths at which the checkout is, or may be, another than the baseline. */
  differs: ReadonlySet<BytePath>;
}

/** The same, as a survey of the checkout found it. */
export const baselineFilesOf = ({ index, tracked, changes }: Survey): BaselineFiles => ({
  rules: index.named(IGNORE_RULES).filter((path) => tracked.files.has(path)),
  differs: new Set([...changes.changed, ...changes.removed]),
});

/**
 * Leaves out what the caller's repository ignores. The rules are the baseline's: its `.gitignore` files, and
 * the caller's excludes in `info/exclude` of our git directory. What the agent wrote into a `.gitignore`
 * hides nothing and reveals nothing.
 */
export async function dropIgnored(
  paths: readonly BytePath[],
  baseline: BaselineFiles,
  slot: SlotLayout,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<{ ok: true; paths: BytePath[] } | GitFailure> {
  const found = await findIgnored(paths, [], baseline, slot, environment, signal);
  return found.ok ? { ok: true, paths: paths.filter((path) => !found.ignored.has(path)) } : found;
}

/** Those of the directories that the same rules ignore as a whole: no rule can take back what is in one. */
export async function ignoredDirectories(
  paths: readonly BytePath[],
  baseline: BaselineFiles,
  slot: SlotLayout,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<{ ok: true; paths: BytePath[] } | GitFailure> {
  const found = await findIgnored(paths, paths, baseline, slot, environment, signal);
  return found.ok ? { ok: true, paths: paths.filter((path) => found.ignored.has(path)) } : found;
}

/** Asks the baseline's rules. git looks whether a path is a directory: those that are have to be named. */
async function findIgnored(
  paths: readonly BytePath[],
  directories: readonly BytePath[],
  baseline: BaselineFiles,
  slot: SlotLayout,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<{ ok: true; ignored: ReadonlySet<BytePath> } | GitFailure> {
  if (paths.length === 0) return { ok: true, ignored: new Set() };
  const files = new Set(directories.length > 0 ? [] : paths);
  const rules = baseline.rules.filter((path) => !liesBelow(path, files));
  const written = await writeIgnoreFiles(
    { ...baseline, rules },
    slot,
    slotContext(slot, environment, signal),
  );
  if (!written.ok) return written;
  for (const path of directories) mkdirSync(absolutePath(slot.ignoreRules, path), { recursive: true });
  const context = slotContext({ ...slot, checkout: slot.ignoreRules }, environment, signal);
  // With `./` before it, no name can be taken for a pathspec with magic, such as `:(top)`.
  const asked = pathList(paths.map((path) => `./${path}`));
  const answer = await runGit(context, ['check-ignore', '--no-index', '-z', '--stdin'], asked);
  if (answer.ok)
    return { ok: true, ignored: new Set(splitRecords(answer.stdout).map((path) => path.slice('./'.length))) };
  const nothingIgnored = answer.cause === 'exit' && answer.exitCode === 1;
  return nothingIgnored ? { ok: true, ignored: new Set() } : answer;
}

/** Rules of a directory in whose place there is a file by now would make a directory of it again. */
const liesBelow = (path: BytePath, files: ReadonlySet<BytePath>): boolean => {
  const parent = parentOf(path);
  return parent !== '' && (files.has(parent) || liesBelow(parent, files));
};

/**
 * Lays the baseline's `.gitignore` files, and nothing else, into a tree of their own. Those that do not differ are
 * copied.
 */
async function writeIgnoreFiles(
  { rules, differs }: BaselineFiles,
  slot: SlotLayout,
  context: GitContext,
): Promise<{ ok: true } | GitFailure> {
  rmSync(slot.ignoreRules, { recursive: true, force: true });
  mkdirSync(slot.ignoreRules);
  const changed: BytePath[] = [];
  for (const path of rules) {
    const same = !differs.has(path) && lookAt(slot.checkout, path)?.isFile();
    if (same) copyRules(slot, path);
    else changed.push(path);
  }
  if (changed.length === 0) return { ok: true };
  return runGit(
    context,
    ['checkout-index', `--prefix=${slot.ignoreRules}/`, '-z', '--stdin'],
    pathList(changed),
  );
}

function copyRules(slot: SlotLayout, path: BytePath): void {
  const copy = absolutePath(slot.ignoreRules, path);
  mkdirSync(copy.subarray(0, copy.lastIndexOf('/')), { recursive: true });
  copyFileSync(absolutePath(slot.checkout, path), copy);
}
