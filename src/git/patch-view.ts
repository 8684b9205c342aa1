import { closeSync, existsSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { findDependents } from './dependents.js';
import { NewFile, writePrivate } from './durable-file.js';
import { type GitContext, runGit } from './git.js';
import { type PatchFile, withoutQuotes } from './patch-files.js';
import { PatchParts, placeFiles, type Range } from './patch-parts.js';
import { type RedactedPart, type RedactionReason, redactPart } from './patch-redaction.js';
import { isSecretFile } from './secrets.js';

/** One file of a patch, as it is kept: with its place in the patch, and in what is shown of it. */
export interface KeptFile extends PatchFile {
  exact: Range;
  /** Null when it is withheld. */
  shown: Range | null;
  /** Why what is shown is not exact; absent when it is. */
  redacted?: RedactionReason;
  flags?: string[];
}

/** What is shown of a patch by default: its bytes lie in a file beside the exact patch. */
export interface PatchView {
  bytes: number;
  sha256: string;
}

const MAX_CHECKED_BYTES = 32 * 1024 * 1024;
const COPY_BYTES = 1024 * 1024;

/** Where what is shown of a patch lies, and where its `PatchView` does. Neither is there when all of it is shown. */
export const viewFiles = (patchFile: string): [string, string] => [`${patchFile}.shown`, `${patchFile}.view`];

/**
 * Finds each file's place in a patch and, where a secret is in it, writes what may be shown: the patch without
 * secrets, which still applies. Where nothing is redacted no second patch is written.
 * The index of `context` is at the baseline; it is only read. Files are read in short synchronous steps.
 */
export async function makeView(
  patchFile: string,
  files: readonly PatchFile[],
  context: GitContext,
): Promise<KeptFile[]> {
  const [shownFile, viewFile] = viewFiles(patchFile);
  for (const earlier of [shownFile, viewFile].filter(existsSync)) rmSync(earlier);
  const patch = openSync(patchFile, 'r');
  try {
    const ranges = placeFiles(files, measureParts(patch));
    const kept = await write(patch, shownFile, viewFile, files, ranges);
    if (!kept.some(({ redacted }) => redacted !== undefined)) return kept;
    const withheld = new Set<PatchFile>(kept.filter(({ shown }) => shown === null));
    if (findDependents(kept, withheld).size > 0) return withholdAll(shownFile, viewFile, kept);
    const applies = await runGit(context, [
      'apply',
      '--check',
      '--cached',
      '--allow-empty',
      '--whitespace=nowarn',
      shownFile,
    ]);
    return applies.ok ? kept : withholdAll(shownFile, viewFile, kept);
  } finally {
    closeSync(patch);
  }
}

/** The lengths of the parts of a patch. */
function measureParts(patch: number): number[] {
  const lengths: number[] = [];
  const parts = new PatchParts(0, (_, bytes) => lengths.push(bytes));
  const { size } = fstatSync(patch);
  const chunk = Buffer.alloc(Math.min(size, COPY_BYTES));
  for (let offset = 0; offset < size; offset += chunk.length) {
    parts.take(chunk.subarray(0, readSync(patch, chunk, 0, chunk.length, offset)));
  }
  parts.end();
  return lengths;
}

async function write(
  patch: number,
  shownFile: string,
  viewFile: string,
  files: readonly PatchFile[],
  ranges: readonly Range[],
): Promise<KeptFile[]> {
  const shown = new ShownPatch(patch, shownFile);
  try {
    const kept: KeptFile[] = [];
    for (const [index, file] of files.entries()) {
      const exact = ranges[index] ?? { offset: 0, length: 0 };
      const offset = shown.bytes;
      const reason = await writePart(patch, shown, file, exact);
      const withheld = reason !== null && reason !== 'masked';
      kept.push({
        ...file,
        exact,
        shown: withheld ? null : { offset, length: shown.bytes - offset },
        ...(reason === null ? {} : { redacted: reason }),
      });
    }
    const { bytes } = shown;
    const sha256 = shown.place();
    if (sha256 !== null) writeView(viewFile, { bytes, sha256 });
    return kept;
  } catch (error) {
    shown.discard();
    throw error;
  }
}

const writeView = (viewFile: string, view: PatchView): void => writePrivate(viewFile, JSON.stringify(view));

/** What is shown of a patch. A file is made of it only when it begins to differ from the patch. */
class ShownPatch {
  private file: NewFile | null = null;
  bytes = 0;

  constructor(
    private readonly patch: number,
    private readonly path: string,
  ) {}

  /** The next part is shown as it is. */
  async copy(range: Range): Promise<void> {
    if (this.file !== null) await copyRange(this.patch, this.file, range);
    this.bytes += range.length;
  }

  /** Instead of the next part, this is shown. */
  async replace(part: Buffer): Promise<void> {
    if (this.file === null) {
      this.file = new NewFile(this.path);
      await copyRange(this.patch, this.file, { offset: 0, length: this.bytes });
    }
    if (part.length > 0) this.file.write(part);
    this.bytes += part.length;
  }

  /** The hash of the file; null when there is none, for the whole patch is shown. */
  place(): string | null {
    return this.file?.place() ?? null;
  }

  discard(): void {
    this.file?.discard();
  }
}

const NOTHING = Buffer.alloc(0);

/** Whether a file holds secrets by its name, or by the one it had. */
export const isSecretChange = ({ path, oldPath = '' }: PatchFile): boolean =>
  [path, oldPath].some((name) => isSecretFile(withoutQuotes(name)));

/** Writes what may be shown of one file, and tells why that is not all of it. */
async function writePart(
  patch: number,
  shown: ShownPatch,
  file: PatchFile,
  range: Range,
): Promise<RedactionReason | null> {
  const redacted = redactRange(patch, range, isSecretChange(file));
  if (redacted.reason === null) await shown.copy(range);
  else await shown.replace(redacted.shown ?? NOTHING);
  return redacted.reason;
}

function redactRange(patch: number, range: Range, isSecret: boolean): RedactedPart {
  if (isSecret) return { reason: 'secret_file', shown: null };
  const isChecked = range.length <= MAX_CHECKED_BYTES;
  const part = Buffer.alloc(isChecked ? range.length : COPY_BYTES);
  readSync(patch, part, 0, part.length, range.offset);
  if (isChecked) return redactPart(part);
  const isBinary = part.includes('\nGIT binary patch\n');
  return { reason: isBinary ? null : 'too_large_to_check', shown: null };
}

async function copyRange(patch: number, target: NewFile, range: Range): Promise<void> {
  const chunk = Buffer.alloc(Math.min(COPY_BYTES, range.length));
  for (let done = 0; done < range.length; ) {
    const wanted = Math.min(COPY_BYTES, range.length - done);
    const bytesRead = readSync(patch, chunk, 0, wanted, range.offset + done);
    if (bytesRead === 0) break;
    target.write(chunk.subarray(0, bytesRead));
    done += bytesRead;
    await nextTurn();
  }
}

/** Files can depend on one another, as when a directory takes the place of a withheld file. */
function withholdAll(shownFile: string, viewFile: string, kept: readonly KeptFile[]): KeptFile[] {
  const shown = new NewFile(shownFile);
  writeView(viewFile, { bytes: 0, sha256: shown.place() });
  return kept.map((file) => {
    const reason =
      file.redacted === undefined || file.redacted === 'masked' ? 'would_not_apply' : file.redacted;
    return { ...file, shown: null, redacted: reason };
  });
}
