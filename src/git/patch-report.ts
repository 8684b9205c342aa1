import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { PatchReport } from '../../machines/job.js';
import { flush, writePrivate } from './durable-file.js';
import { hashOfFile } from './file-hash.js';
import { viewFiles } from './patch-view.js';
import { readRegularFile } from './regular-file.js';

/** What tells, beside a patch, that its capture was finished. */
interface Finished {
  report: PatchReport;
  /** SHA-256 of each file of the capture, by its name. */
  hashes: Record<string, string>;
}

const MAX_REPORT_BYTES = 1024 * 1024;

const reportFile = (patchFile: string): string => `${patchFile}.report`;

/** The report of a capture that was finished: all its files are as they were written. Else null. */
export async function readReport(patchFile: string): Promise<PatchReport | null> {
  const content = readRegularFile(reportFile(patchFile), MAX_REPORT_BYTES)?.toString('utf8');
  const finished = content === undefined ? null : parse(content);
  if (finished === null) return null;
  for (const [name, hash] of Object.entries(finished.hashes)) {
    if ((await hashOfFile(join(dirname(patchFile), name))) !== hash) return null;
  }
  return finished.report;
}

/** Null for one that was not written to its end, or that is not ours. */
function parse(content: string): Finished | null {
  try {
    const finished = JSON.parse(content) as Partial<Finished> | null;
    return finished?.report && finished.hashes ? { report: finished.report, hashes: finished.hashes } : null;
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
