import type { JobRow } from '../../inspect/frames.js';
import type { Coverage, KeptAnswer } from '../../job/answer.js';
import { call } from '../session.js';

/** What a job that only read answered, as far as it got. */
export interface Answer {
  scope?: string;
  verdict?: NonNullable<KeptAnswer['verdict']>;
  confidence?: NonNullable<KeptAnswer['confidence']>;
  findings?: KeptAnswer['findings'];
  findings_total?: number;
  coverage?: { files_changed: number; files_reviewed: number; omitted: Coverage['omitted'] };
}

/** As far as the page reads the answer of `codex_job_result`. */
export interface Result {
  job_id: string;
  label: string | null;
  kind: JobRow['kind'];
  status: string;
  summary: string | null;
  /** Null for a delegation. */
  answer: Answer | null;
  patch: string | null;
  patch_encoding: 'utf-8' | 'base64' | null;
  next_cursor: string | null;
  patch_bytes: number | null;
  redacted: { path: string; reason: string }[];
  files: { path: string; old_path?: string }[];
  files_total: number;
  warnings: string[];
  error: { code: string; message: string; advice: string } | null;
}

/** More than this is not shown, only handed out. */
const MOST_SHOWN_BYTES = 2 * 1024 * 1024;

export interface LoadedPatch {
  result: Result;
  bytes: Uint8Array;
  /** False when the patch is longer than what is shown. */
  whole: boolean;
}

/** Reads the result of a settled job with its patch: as it is shown, or `raw` for what `git apply` takes. */
export async function loadPatch(jobId: string, raw = false): Promise<LoadedPatch> {
  const result = await call<Result>('codex_job_result', { job_id: jobId, raw });
  const pages = [bytesOf(result)];
  let length = pages[0]?.length ?? 0;
  let cursor = result.next_cursor;
  while (cursor !== null && (raw || length < MOST_SHOWN_BYTES)) {
    const page: Result = await call<Result>('codex_job_result', { job_id: jobId, raw, cursor });
    const bytes = bytesOf(page);
    pages.push(bytes);
    length += bytes.length;
    cursor = page.next_cursor;
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const page of pages) {
    bytes.set(page, offset);
    offset += page.length;
  }
  return { result, bytes, whole: cursor === null };
}

function bytesOf({ patch, patch_encoding: encoding }: Result): Uint8Array {
  if (patch === null) return new Uint8Array();
  if (encoding === 'utf-8') return new TextEncoder().encode(patch);
  return Uint8Array.from(atob(patch), (character) => character.charCodeAt(0));
}

/** For eyes: a byte that is no UTF-8 becomes a mark. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The text that has these bytes; throws where there is none, for they are no UTF-8. */
export const exactTextOf = (bytes: Uint8Array): string =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);

export function isText(bytes: Uint8Array): boolean {
  try {
    exactTextOf(bytes);
    return true;
  } catch {
    return false;
  }
}
