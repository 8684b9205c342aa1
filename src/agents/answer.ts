import { z } from 'zod';
import { type Outcome, refuse, succeed } from '../errors.js';
import { answerForms, type Finding } from '../job/answer.js';
import type { JobKind } from '../job/record.js';
import { plainLine, plainText } from './plain-text.js';

/** Work that only reads. */
export type ReadingKind = Exclude<JobKind, 'delegate'>;

/** An answer that has its form; texts are bounded and without control characters. */
export interface ReadAnswer {
  summary: string;
  /** Null for a consult, as is the confidence. */
  verdict: 'pass' | 'fail' | 'unsure' | null;
  confidence: 'high' | 'medium' | 'low' | null;
  findings: Finding[];
  /** How many there were before only the first were kept. */
  findingsTotal: number;
}

const SUMMARY_CHARACTERS = 32_768;
const TITLE_CHARACTERS = 300;
const DETAIL_CHARACTERS = 4_000;
const PATH_CHARACTERS = 1_024;
const MOST_FINDINGS = 100;

/** The JSON Schema that the model's answer is asked to have: every member required, nothing else allowed. */
export function answerSchema(kind: ReadingKind): object {
  const { $schema: _, ...schema } = z.toJSONSchema(answerForms[kind], {
    // Models that keep to a schema take no bounds of integers.
    override: ({ jsonSchema }) => {
      delete jsonSchema.minimum;
      delete jsonSchema.maximum;
    },
  });
  return schema;
}

/** What all forms have. */
type Form = z.infer<(typeof answerForms)['consult']>;

/** Reads what the agent said last. Codex does not check it, so it may be anything: `answer_invalid`. */
export function readAnswer(kind: ReadingKind, message: string | null): Outcome<ReadAnswer> {
  const parsed = answerForms[kind].safeParse(parseJson(message));
  if (!parsed.success) return refuse('answer_invalid', { message: describeFault(message, parsed.error) });
  const { summary, findings, verdict = null, confidence = null } = parsed.data as Partial<ReadAnswer> & Form;
  if (summary.trim() === '') return refuse('answer_invalid', { message: 'The answer has no text.' });
  return succeed({
    summary: plainText(summary, SUMMARY_CHARACTERS),
    verdict,
    confidence,
    findings: findings.slice(0, MOST_FINDINGS).map(tidy),
    findingsTotal: findings.length,
  });
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

/** Names the member that does not fit; its value stays unsaid. */
function describeFault(message: string | null, { issues: [issue] }: z.ZodError): string {
  if (message === null) return 'The agent ended without an answer, or with one that is too long.';
  if (issue === undefined || issue.path.length === 0) return 'The answer is not JSON of the form asked for.';
  return `The answer does not have the form asked for: ${issue.path.join('.').slice(0, 100)} does not fit.`;
}

const tidy = ({ severity, title, detail, file, line }: Finding): Finding => ({
  severity,
  title: plainLine(title, TITLE_CHARACTERS),
  detail: plainText(detail, DETAIL_CHARACTERS),
  file: file === null || file.trim() === '' ? null : plainLine(file, PATH_CHARACTERS),
  line: line !== null && line >= 1 ? line : null,
});
