import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { PatchReport } from '../../machines/job.js';
import { patchReport } from '../job/record.js';
import { flush, writePrivate } from './durable-file.js';
import { hashOfFile } from './file-hash.js';
import { viewFiles } from './patch-view.js';
import { readRegularFile } from './regular-file.js';

/** What tells, beside a patch, that its capture was finished: the report, and the SHA-256 of each file by its name. */
const finishedCapture = z.object({ report: patchReport, hashes: z.record(z.string(), z.string()) });

type Finished = z.infer<typeof finishedCapture>;

const MAX_REPORT_BYTES = 1024 * 1024;

const reportFile = (patchFile: string): string => `${patchFile}.report`;

/** The report of a capture that was finished: the patch and all else of it are as they were written. Else null. */
export async function readReport(patchFile: string): Promise<PatchReport | null> {
  const content = readRegularFile(reportFile(patchFile), MAX_REPORT_BYTES)?.toString('utf8');
  const finished = content === undefined ? null : parse(content);
  if (finished?.hashes[basename(patchFile)] === undefined) return null;
  for (const [name, hash] of Object.entries(finished.hashes)) {
    if ((await hashOfFile(join(dirname(patchFile), name))) !== hash) return null;
  }
  return finished.report;
}

/** Null for one that was not written to its end, or that is not ours. */
function parse(content: string): Finished | null {
  try {
    return finishedCapture.parse(JSON.parse(content));
  } catch {
    return null;
  }
}

/**
 * Writes the list of a patch's files and the report, and waits until both are on the disk with all else of the
 * capture. They may get there in any order, because a report without the rest is not taken for one.
 */
export async function finishCapture(
  patchFile: string,
  { path: filesFile, content }: { path: string; content: string },
  report: PatchReport,
): Promise<void> {
  writePrivate(filesFile, content);
  const views = viewFiles(patchFile).filter(existsSync);
  const hashes = { [basename(patchFile)]: report.sha256, [basename(filesFile)]: hashOf(content) };
  for (const view of views) hashes[basename(view)] = (await hashOfFile(view)) ?? '';
  const finished: Finished = { report, hashes };
  writePrivate(reportFile(patchFile), JSON.stringify(finished));
  await flush([reportFile(patchFile), patchFile, filesFile, ...views]);
}

const hashOf = (content: string): string => createHash('sha256').update(content).digest('hex');
