import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type Outcome, refuse, succeed } from '../errors.js';
import { jobLayout } from '../job/layout.js';
import type { JobRecord } from '../job/record.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { type KeptFile, readKeptFiles } from './file-list.js';
import { invalidArgument } from './invalid-argument.js';
import { readPatchPage } from './patch-page.js';

/** What a client asks to see of a patch. */
export interface ViewRequest {
  cursor?: string | undefined;
  /** Only this file's part. */
  path?: string | undefined;
  /** The exact bytes, secrets included. */
  raw: boolean;
}

/** One page of a view. */
export interface Page {
  text: string;
  encoding: 'utf-8' | 'base64';
  nextCursor: string | null;
  first: boolean;
  /** The file list; null when it is missing, and on later pages of the whole patch. */
  files: KeptFile[] | null;
  /** What this view has not in full. */
  redacted: { path: string; reason: string }[];
}

const NO_LIST_OF_MASKED =
  'The file list of the patch is missing, which tells what is masked in it. With raw the exact patch can be read.';

const patchView = z.object({ bytes: z.number().int(), sha256: z.string() });

/** A page of a job's patch, as it is shown by default or raw; null when the job has no patch. */
export async function readPage(
  { id, context: { patch } }: JobRecord,
  request: ViewRequest,
  stateDir: string,
): Promise<Outcome<Page | null>> {
  if (patch === null) return request.cursor === undefined ? succeed(null) : refuse('invalid_cursor');
  const layout = jobLayout(stateDir, id);
  const view = request.raw ? null : await readView(layout.patchView);
  if (view === undefined) return refuse('result_unreadable');
  const source = view ?? patch;
  const scope = JSON.stringify([source.sha256, request.path]);
  const offset = request.cursor === undefined ? null : decodeCursor(request.cursor, scope);
  if (request.cursor !== undefined && offset === null) return refuse('invalid_cursor');
  const first = offset === null;
  const files =
    first || request.path !== undefined || view !== null ? await readKeptFiles(layout.files) : null;
  if (view !== null && files === null) return refuse('result_unreadable', { message: NO_LIST_OF_MASKED });
  const range = rangeOf(request, files, view !== null, source.bytes);
  if (!range.ok) return range;
  const { start, end } = range.value;
  if (offset !== null && (offset < start || offset > end)) return refuse('invalid_cursor');
  const file = view === null ? layout.patch : layout.shownPatch;
  const page = await readPatchPage(file, source, offset ?? start, end);
  if (!page.ok) return page;
  const { next, ...rest } = page.value;
  return succeed({
    ...rest,
    nextCursor: next === null ? null : encodeCursor(next, scope),
    first,
    files,
    redacted: view === null ? [] : redactedOf(files ?? [], request.path),
  });
}

/** Null when the patch is shown as it is, undefined when what tells of the view was damaged. */
async function readView(path: string): Promise<z.infer<typeof patchView> | null | undefined> {
  try {
    return patchView.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : undefined;
  }
}

function rangeOf(
  { path }: ViewRequest,
  files: readonly KeptFile[] | null,
  shown: boolean,
  bytes: number,
): Outcome<{ start: number; end: number }> {
  if (path === undefined) return succeed({ start: 0, end: bytes });
  if (files === null)
    return refuse('result_unreadable', { message: 'The file list of the patch is missing.' });
  const file = files.find((each) => each.path === path);
  if (file === undefined) return invalidArgument('path', 'It names no file of the patch.');
  const range = shown ? file.shown : file.exact;
  const { offset, length } = range ?? { offset: 0, length: 0 };
  return succeed({ start: offset, end: offset + length });
}

const redactedOf = (files: readonly KeptFile[], path: string | undefined) =>
  files
    .filter((file) => file.redacted !== undefined && (path === undefined || file.path === path))
    .map((file) => ({ path: file.path, reason: file.redacted ?? '' }));
