import { z } from 'zod';

/** What work that only reads leaves behind: the seam between the threads that keep it and those who show it. */

const finding = z.object({
  severity: z.enum(['high', 'medium', 'low']),
  title: z.string(),
  detail: z.string(),
  /** Relative to the root of the repository; null where the finding is about no one file. */
  file: z.string().nullable(),
  /** Counted from 1, in the file as it is after the change. */
  line: z.number().int().nullable(),
});

/** What the model is asked to answer, by kind of work. `summary` is the answer itself, in prose. */
export const answerForms = {
  consult: z.object({ summary: z.string(), findings: z.array(finding) }),
  review: z.object({
    summary: z.string(),
    verdict: z.enum(['pass', 'fail', 'unsure']),
    confidence: z.enum(['high', 'medium', 'low']),
    findings: z.array(finding),
  }),
};

/**
 * Where a finding of a review points: into lines, or a file, that were under review, elsewhere in the
 * repository, or nowhere. Of a consult only `no_such_file` is told. Null where there is no file to look for.
 */
const place = z.enum(['under_review', 'elsewhere', 'no_such_file']).nullable();

/** An answer as it is kept: checked against its form, its findings held against the files. */
export const keptAnswer = z.object({
  summary: z.string(),
  /** `partial` is a pass over less than all of the changes. Null for a consult, as is the confidence. */
  verdict: z.enum(['pass', 'partial', 'fail', 'unsure']).nullable(),
  confidence: z.enum(['high', 'medium', 'low']).nullable(),
  /** The first ones. */
  findings: z.array(finding.extend({ place })),
  findingsTotal: z.number().int(),
});

/** How much of the changes the reviewer was given. */
export const coverage = z.object({
  filesChanged: z.number().int(),
  /** The files that were given, with the lines of their hunks, first and last, as they are after the change. */
  reviewed: z.array(z.object({ path: z.string(), lines: z.array(z.tuple([z.number(), z.number()])) })),
  /** The first of the others, and why. */
  omitted: z.array(z.object({ path: z.string(), reason: z.string() })),
});

export type Finding = z.infer<typeof finding>;
export type KeptAnswer = z.infer<typeof keptAnswer>;
export type Coverage = z.infer<typeof coverage>;

/** Whether every changed file was given to the reviewer. */
export const isComplete = ({ filesChanged, reviewed }: Coverage): boolean => filesChanged === reviewed.length;
