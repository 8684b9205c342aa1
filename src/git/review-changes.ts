import { writeFile } from 'node:fs/promises';
import { type Outcome, succeed } from '../errors.js';
import { type BytePath, toBytes } from './byte-path.js';
import { diffOptions, FileList, findRenames, listAndPatch } from './comparison.js';
import type { CallerEnvironment } from './environment.js';
import { explain } from './explain.js';
import { streamGit } from './git.js';
import { SUBMODULE_MODE } from './modes.js';
import type { PatchFile } from './patch-files.js';
import { PatchParts } from './patch-parts.js';
import { type RedactionReason, redactPart } from './patch-redaction.js';
import { isSecretChange } from './patch-view.js';
import { slotContext, slotLayout } from './slot.js';

export interface ChangesPlan {
  slotDirectory: string;
  /** Commits, or trees: before the changes and after. Both are known to the slot. */
  from: string;
  to: string;
  /** Files and directories, relative to the root; empty for all. Taken as they stand, not as patterns. */
  paths: readonly string[];
  /** Changes that belong to the review and are not in `to`. */
  left: readonly BytePath[];
  /** Where the changes go that a reviewer may see: one patch, text in whatever encodings the files have. */
  changesFile: string;
  environment: CallerEnvironment;
  signal: AbortSignal;
}

/** Why a reviewer does not get to see a changed file. */
export type OmissionReason =
  | 'binary'
  | 'git_lfs'
  | 'submodule'
  | 'not_carried_over'
  | 'too_large'
  | 'over_the_bound'
  | Exclude<RedactionReason, 'masked'>;

export interface ReviewChanges {
  filesChanged: number;
  /** Files that the reviewer sees whole, with the lines of their hunks: first and last, after the change. */
  reviewed: { path: string; lines: [number, number][] }[];
  omitted: { path: string; reason: OmissionReason }[];
}

/** A model reads this much at once, beside its task and what it looks up. */
const MAX_CHANGES_BYTES = 256 * 1024;
/** One file may not take it all. */
const MAX_FILE_BYTES = 128 * 1024;
const MAX_LIST_BYTES = 64 * 1024 * 1024;
const COMPARING = 'comparing what is under review';

/**
 * Writes the changes between two states for a reviewer, and tells what is in them and what is not. Whole
 * files are left out, never parts of one. Secrets are withheld and masked as in the view of a patch.
 */
export async function takeReviewChanges(plan: ChangesPlan): Promise<Outcome<ReviewChanges>> {
  const context = slotContext(slotLayout(plan.slotDirectory), plan.environment, plan.signal);
  const list = new FileList();
  const selection = new Selection(list);
  const parts = new PatchParts(MAX_FILE_BYTES, (part) => selection.take(part));
  const compared = await streamGit(
    context,
    [
      ...['--literal-pathspecs', 'diff-tree', '-r', ...listAndPatch, ...diffOptions, ...findRenames],
      ...[plan.from, plan.to, '--', ...plan.paths],
    ],
    async (chunk) => {
      parts.take(list.take(chunk));
      return list.heldBytes <= MAX_LIST_BYTES;
    },
  );
  if (!compared.ok) return explain(compared, 'worktree_failed', COMPARING);
  parts.end();
  await writeFile(plan.changesFile, selection.text(), { mode: 0o600 });
  const left = plan.left.filter((path) => isBelow(path, plan.paths)).map(readable);
  return succeed({
    filesChanged: list.files.length + left.length,
    reviewed: selection.reviewed,
    omitted: [...selection.omitted, ...left.map((path) => ({ path, reason: 'not_carried_over' as const }))],
  });
}

const readable = (path: BytePath): string => toBytes(path).toString('utf8');

const isBelow = (path: BytePath, places: readonly string[]): boolean =>
  places.length === 0 ||
  places.some((place) => readable(path) === place || readable(path).startsWith(`${place}/`));

/** Decides for each file of a patch, in its order, whether the reviewer sees it. */
class Selection {
  readonly reviewed: ReviewChanges['reviewed'] = [];
  readonly omitted: ReviewChanges['omitted'] = [];
  readonly #shown: Buffer[] = [];
  #bytes = 0;
  #next = 0;
  /** The first part of a file whose type changes: it is told as a deletion and a creation. */
  #deletion: Buffer | null | undefined;

  constructor(private readonly list: FileList) {}

  take(part: Buffer | null): void {
    const file = this.list.files[this.#next];
    if (file === undefined) throw new Error('A patch has more parts than its list has files.');
    if (file.status === 'typechange' && this.#deletion === undefined) {
      this.#deletion = part;
      return;
    }
    const deletion = this.#deletion ?? Buffer.alloc(0);
    const whole = part === null || this.#deletion === null ? null : Buffer.concat([deletion, part]);
    this.#deletion = undefined;
    this.#next += 1;
    this.#decide(file, whole);
  }

  text(): Buffer {
    return Buffer.concat(this.#shown);
  }

  #decide(file: PatchFile, part: Buffer | null): void {
    const seen = look(file, part);
    if ('reason' in seen) {
      this.omitted.push({ path: file.path, reason: seen.reason });
    } else if (this.#bytes + seen.shown.length > MAX_CHANGES_BYTES) {
      this.omitted.push({ path: file.path, reason: 'over_the_bound' });
    } else {
      this.#bytes += seen.shown.length;
      this.#shown.push(seen.shown);
      this.reviewed.push({ path: file.path, lines: hunksOf(seen.shown) });
    }
  }
}

/** What a reviewer may see of one file, or why nothing. */
function look(file: PatchFile, part: Buffer | null): { shown: Buffer } | { reason: OmissionReason } {
  if (isSecretChange(file)) return { reason: 'secret_file' };
  if ([file.oldMode, file.newMode].includes(SUBMODULE_MODE)) return { reason: 'submodule' };
  if (file.added === null) return { reason: 'binary' };
  if (part === null) return { reason: 'too_large' };
  if (/^[+-]version https:\/\/git-lfs\.github\.com\/spec\//m.test(part.toString('latin1')))
    return { reason: 'git_lfs' };
  const { reason, shown } = redactPart(part);
  if (shown !== null) return { shown };
  return { reason: reason === null || reason === 'masked' ? 'secret_in_baseline' : reason };
}

/** `@@ -1,2 +3,4 @@` tells of four lines from the third on; a deletion leaves none. */
function hunksOf(part: Buffer): [number, number][] {
  const hunks = part.toString('latin1').matchAll(/^@@ -\S+ \+(\d+)(?:,(\d+))? @@/gm);
  return [...hunks].flatMap(([, start, count]): [number, number][] => {
    const [first, length] = [Number(start), Number(count ?? 1)];
    return length === 0 ? [] : [[first, first + length - 1]];
  });
}
