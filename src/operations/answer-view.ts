import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { counted } from '../counted.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import { type Coverage, coverage, isComplete, type KeptAnswer, keptAnswer } from '../job/answer.js';
import { jobLayout } from '../job/layout.js';
import type { JobRecord } from '../job/record.js';
import { fitList, fitText } from './fit.js';

/** As results show it; told in words where it is advertised, for each member would cost every client tokens. */
export const answerView = z.looseObject({});

/** What `answer` holds, by kind and as far as the job got. */
export type Answer = Partial<ReturnType<typeof describeKept>> & {
  coverage?: ReturnType<typeof describeCoverage>;
};

/** The answer of a job that only read, as far as it got. */
export interface AnswerView {
  /** The prose of the answer; null where there is none. */
  summary: string | null;
  answer: z.infer<typeof answerView>;
  /** Whether all that was kept is here. */
  whole: boolean;
  warnings: string[];
}

// With the rest of a result, which has no patch then, the whole answer stays under 100 KB.
const MAX_SUMMARY_BYTES = 32 * 1024;
const MAX_FINDINGS_BYTES = 32 * 1024;
const MAX_OMITTED_BYTES = 4 * 1024;

/**
 * Reads what a job that only reads has kept: its answer if it came to one, and for a review what it covered.
 * Null for a delegation. `result_unreadable` when an artifact is missing or damaged.
 */
export async function readAnswerView(
  { id, state, submission }: JobRecord,
  stateDir: string,
): Promise<Outcome<AnswerView | null>> {
  if (submission.kind === 'delegate') return succeed(null);
  const files = jobLayout(stateDir, id);
  const kept = await readArtifact(files.answer, keptAnswer);
  const seen = submission.review === null ? null : await readArtifact(files.coverage, coverage);
  const lost = state === 'done' && kept === null;
  if (lost || kept === undefined || seen === undefined) {
    return refuse('result_unreadable', { message: 'The kept answer is missing or damaged.' });
  }
  const summary = kept && fitText(kept.summary, MAX_SUMMARY_BYTES);
  const answer = { ...(kept && describeKept(kept)), ...(seen && { coverage: describeCoverage(seen) }) };
  const whole =
    summary?.whole !== false &&
    answer.findings?.length === kept?.findings.length &&
    answer.coverage?.omitted.length === seen?.omitted.length;
  return succeed({
    summary: summary?.text ?? null,
    answer: { ...(submission.review && { scope: submission.review.scope }), ...answer },
    whole,
    warnings: [
      ...(seen === null || isComplete(seen) ? [] : [describeGap(seen)]),
      ...(whole ? [] : ['The answer was longer and is cut.']),
    ],
  });
}

/** Null where there is none; undefined when it is damaged. */
async function readArtifact<T>(path: string, schema: z.ZodType<T>): Promise<T | null | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : undefined;
  }
}

const describeKept = ({ verdict, confidence, findings, findingsTotal }: KeptAnswer) => ({
  ...(verdict === null || confidence === null ? {} : { verdict, confidence }),
  findings: fitList(findings, MAX_FINDINGS_BYTES),
  findings_total: findingsTotal,
});

const describeCoverage = (seen: Coverage) => ({
  files_changed: seen.filesChanged,
  files_reviewed: seen.reviewed.length,
  omitted: fitList(seen.omitted, MAX_OMITTED_BYTES),
  complete: isComplete(seen),
});

const describeGap = ({ filesChanged, reviewed }: Coverage): string =>
  `Not reviewed: ${filesChanged - reviewed.length} of ${counted(filesChanged, 'changed file')}; coverage tells why.`;
