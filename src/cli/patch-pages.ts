import { createHash } from 'node:crypto';
import { type Outcome, refuse, succeed } from '../errors.js';
import { jobResult } from '../operations/job-result.js';
import type { JobResult } from '../operations/result.js';
import type { Link } from './link.js';

/** What was read: the first answer, and the cursor of the last page, undefined if the first was the last. */
export interface WholePatch {
  first: JobResult;
  lastCursor: string | undefined;
}

/**
 * Reads the whole patch of a job page by page, gives the bytes of each to `write`, and holds all of them
 * against the hash: `result_unreadable` if they differ.
 */
export async function readWholePatch(
  link: Link,
  jobId: string,
  write: (bytes: Buffer) => Promise<unknown>,
): Promise<Outcome<WholePatch>> {
  const hash = createHash('sha256');
  let first: JobResult | null = null;
  let cursor: string | undefined;
  for (;;) {
    const answer = await link.call<JobResult>(jobResult.tool, {
      job_id: jobId,
      raw: true,
      ...(cursor && { cursor }),
    });
    if (!answer.ok) return answer;
    const page = answer.value;
    first ??= page;
    const bytes = decodePage(page);
    hash.update(bytes);
    if (bytes.length > 0) await write(bytes);
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
  }
  if (first.patch_sha256 !== null && hash.digest('hex') !== first.patch_sha256)
    return refuse('result_unreadable');
  return succeed({ first, lastCursor: cursor });
}

/** The bytes of one page of an answer. */
export const decodePage = ({
  patch,
  patch_encoding: encoding,
}: Pick<JobResult, 'patch' | 'patch_encoding'>): Buffer =>
  Buffer.from(patch ?? '', encoding === 'base64' ? 'base64' : 'utf8');
