import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { PatchReport } from '../../machines/job.js';
import type { Outcome } from '../../src/errors.js';
import { type CapturePlan, capturePatch } from '../../src/git/patch.js';
import type { PatchFile } from '../../src/git/patch-files.js';
import type { KeptFile } from '../../src/git/patch-view.js';
import { type ReleasePlan, releaseWorktree } from '../../src/git/release.js';
import { type MadeWorktree, makeWorktree, type WorktreePlan } from '../../src/git/worktree.js';
import { lastingDirectory } from './directory.js';

/** A directory for a test file, removed when its tests are over. */
export function makeWorkspace(): string {
  const directory = lastingDirectory();
  put(outside(directory), 'theirs', 'theirs\n');
  return directory;
}

/**
 * A directory of a workspace with the file `theirs`, for links that lead out of a tree. Never a directory of the
 * machine: a fault under test might follow them.
 */
export const outside = (workspace: string): string => join(workspace, 'outside');

const PATH = '/usr/local/bin:/usr/bin:/bin';

/** A user with a home of their own and nothing configured but a name. */
export function makeUser(workspace: string, config = ''): Record<string, string> {
  const home = mkdtempSync(join(workspace, 'home-'));
  writeFileSync(join(home, '.gitconfig'), `[user]\n\tname = Ada\n\temail = ada@example.org\n${config}`);
  return { HOME: home, PATH };
}

/** Runs git as a user would, and gives its standard output. */
export async function git(
  directory: string,
  user: Record<string, string>,
  args: readonly string[],
  input: Buffer = Buffer.alloc(0),
): Promise<Buffer> {
  const result = await execa('git', args, {
    cwd: directory,
    env: user,
    extendEnv: false,
    encoding: 'buffer',
    input,
    stripFinalNewline: false,
  });
  return Buffer.from(result.stdout);
}

/** A repository with one commit of the given files. */
export async function makeRepository(
  workspace: string,
  user: Record<string, string>,
  files: Record<string, string | Buffer> = { 'a.txt': 'one\n' },
  initArguments: readonly string[] = [],
): Promise<string> {
  const directory = mkdtempSync(join(workspace, 'repository-'));
  await git(directory, user, ['init', '-q', ...initArguments]);
  for (const [path, content] of Object.entries(files)) put(directory, path, content);
  await git(directory, user, ['add', '-A']);
  await git(directory, user, ['commit', '-q', '--allow-empty', '-m', 'first']);
  return directory;
}

/** Writes a file and the directories that it needs. */
export function put(directory: string, path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), content);
}

/** Every entry below a directory, with mode and content: two equal snapshots mean that nothing changed. */
export function snapshot(
  directory: string,
  skip: (path: string) => boolean = () => false,
): Record<string, string> {
  const entries: Record<string, string> = {};
  const visit = (path: string, key: string): void => {
    for (const raw of readdirSync(Buffer.from(path, 'latin1'), { encoding: 'buffer' })) {
      const name = raw.toString('latin1');
      const child = `${path}/${name}`;
      const childKey = key === '' ? name : `${key}/${name}`;
      if (skip(childKey)) continue;
      const bytes = Buffer.from(child, 'latin1');
      const found = lstatSync(bytes);
      if (found.isDirectory()) visit(child, childKey);
      else if (found.isSymbolicLink()) entries[childKey] = `link ${readlinkSync(bytes, 'latin1')}`;
      else if (found.isFile()) {
        const hash = createHash('sha256').update(readFileSync(bytes)).digest('hex');
        entries[childKey] = `${found.mode & 0o100 ? 'executable' : 'file'} ${hash}`;
      } else entries[childKey] = 'special';
    }
  };
  visit(directory, '');
  return entries;
}

export const isGit = (path: string): boolean => path === '.git';

let slots = 0;

/** A plan whose baseline is kept. */
export type PlannedWorktree = WorktreePlan & { keptObjects: string };

/** A plan for a fresh slot. */
export function planFor(
  workspace: string,
  root: string,
  user: Record<string, string>,
  more: Partial<PlannedWorktree> = {},
): PlannedWorktree {
  slots += 1;
  return {
    repositoriesDirectory: join(workspace, 'repositories'),
    slot: `job-${slots}`,
    workspaceRoot: root,
    baseRef: null,
    includeUntracked: false,
    cleanFilters: true,
    environment: user,
    signal: new AbortController().signal,
    warm: false,
    overlay: false,
    keptObjects: join(workspace, 'kept', `job-${slots}`),
    continues: null,
    ...more,
  };
}

export function expectValue<T>(outcome: Outcome<T>): T {
  assert.ok(outcome.ok, outcome.ok ? '' : `${outcome.fault.code}: ${outcome.fault.message}`);
  return outcome.value;
}

export function expectCode(outcome: Outcome<unknown>, code: string): void {
  assert.equal(outcome.ok ? 'ok' : outcome.fault.code, code);
}

export const make = async (plan: WorktreePlan): Promise<MadeWorktree> =>
  expectValue(await makeWorktree(plan));

export const slotOf = (worktree: Pick<MadeWorktree, 'path' | 'baselineCommit'>): string =>
  dirname(worktree.path);

/** A plan to capture a worktree's patch, into a directory of its own. */
export function capturePlanFor(
  workspace: string,
  worktree: Pick<MadeWorktree, 'path' | 'baselineCommit'>,
  user: Record<string, string>,
  more: Partial<CapturePlan> = {},
): CapturePlan {
  const directory = mkdtempSync(join(workspace, 'artifacts-'));
  return {
    slotDirectory: slotOf(worktree),
    baselineCommit: worktree.baselineCommit,
    patchFile: join(directory, 'patch'),
    filesFile: join(directory, 'files.json'),
    environment: user,
    signal: new AbortController().signal,
    ...more,
  };
}

/** Releases a slot, proving its whole tree, into a pool of four. */
export const releaseSlot = (
  worktree: Pick<MadeWorktree, 'path' | 'baselineCommit'>,
  user: Record<string, string>,
  more: Partial<ReleasePlan> = {},
): ReturnType<typeof releaseWorktree> =>
  releaseWorktree({
    slotDirectory: slotOf(worktree),
    baselineCommit: worktree.baselineCommit,
    warmSlots: 4,
    overlay: false,
    environment: user,
    signal: new AbortController().signal,
    prove: true,
    ...more,
  });

export interface Captured {
  report: PatchReport;
  patch: Buffer;
  /** What may be shown of the patch. */
  shown: Buffer;
  files: PatchFile[];
  /** The same list with all that is kept of each. */
  kept: KeptFile[];
}

/** Captures and reads back what lies on the disk. */
export async function capture(
  workspace: string,
  worktree: Pick<MadeWorktree, 'path' | 'baselineCommit'>,
  user: Record<string, string>,
  more: Partial<CapturePlan> = {},
): Promise<Captured> {
  const plan = capturePlanFor(workspace, worktree, user, more);
  const report = expectValue(await capturePatch(plan));
  const patch = readFileSync(plan.patchFile);
  assert.equal(report.bytes, patch.length);
  assert.equal(report.sha256, createHash('sha256').update(patch).digest('hex'));
  const kept = JSON.parse(readFileSync(plan.filesFile, 'utf8')) as KeptFile[];
  assert.equal(report.files, kept.length);
  const joined = kept.map(({ exact }) => patch.subarray(exact.offset, exact.offset + exact.length));
  assert.ok(Buffer.concat(joined).equals(patch));
  const files = kept.map(({ exact: _, shown: __, redacted: ___, flags: ____, ...file }) => file);
  const shownFile = `${plan.patchFile}.shown`;
  const shown = existsSync(shownFile) ? readFileSync(shownFile) : patch;
  return { report, patch, shown, files, kept };
}

/** Captures the patch of a worktree, and gives what a follow-up takes over. */
export async function handOver(
  workspace: string,
  plan: PlannedWorktree,
  worktree: MadeWorktree,
  user: Record<string, string>,
): Promise<NonNullable<WorktreePlan['continues']>> {
  const { patch, report } = await capture(workspace, worktree, user);
  const file = join(workspace, `patch-${plan.slot}`);
  writeFileSync(file, patch);
  return {
    baselineCommit: worktree.baselineCommit,
    keptObjects: plan.keptObjects,
    patch: { file, bytes: report.bytes, sha256: report.sha256 },
  };
}

/** Applies a patch to a fresh checkout of the baseline, index and files, and gives the checkout's snapshot. */
export async function applied(
  workspace: string,
  worktree: Pick<MadeWorktree, 'path' | 'baselineCommit'>,
  user: Record<string, string>,
  patch: Buffer,
): Promise<Record<string, string>> {
  const directory = mkdtempSync(join(workspace, 'applied-'));
  await git(directory, user, [
    'init',
    '-q',
    ...(worktree.baselineCommit.length === 64 ? ['--object-format=sha256'] : []),
  ]);
  writeFileSync(
    join(directory, '.git/objects/info/alternates'),
    `${join(slotOf(worktree), 'git/objects')}\n`,
  );
  mkdirSync(join(directory, '.git/info'), { recursive: true });
  writeFileSync(
    join(directory, '.git/info/attributes'),
    '* !filter -text -ident !working-tree-encoding !diff !merge !eol\n',
  );
  await git(directory, user, ['read-tree', '-u', '--reset', worktree.baselineCommit]);
  if (patch.length > 0)
    await git(directory, user, ['apply', '--index', '--binary', '--whitespace=nowarn'], patch);
  const found = snapshot(directory, isGit);
  rmSync(directory, { recursive: true });
  return found;
}
