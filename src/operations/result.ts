import { z } from 'zod';
import { counted } from '../counted.js';
import { type ErrorCode, type Outcome, refuse, succeed } from '../errors.js';
import { isSettled, type JobRecord, jobKinds, jobStates, settledStates } from '../job/record.js';
import type { JobView } from '../job/supervisor.js';
import { type AnswerView, answerView, readAnswerView } from './answer-view.js';
import { changedFile, describeFiles } from './file-list.js';
import { fitList, fitText } from './fit.js';
import { waitArguments } from './handle.js';
import { describeEnding, instant, jobError, pollAfterMs, tokenUsage, usageOf } from './job-state.js';
import type { House } from './operation.js';
import { type Page, readPage, type ViewRequest } from './patch-view.js';

/** One transition: `at`, `state`, `event`, and a `reason` or null. */
const journalEntry = z.record(z.string(), z.string().nullable());

/** What a settled job leaves behind, with one page of its patch. */
export const jobResult = z.object({
  job_id: z.string(),
  label: z.string().nullable(),
  continues: z.string().nullable().describe('The job it went on from.'),
  kind: z.enum(jobKinds),
  status: z.enum(settledStates),
  summary: z.string().nullable().describe("The agent's last message, or its answer in prose."),
  answer: answerView
    .nullable()
    .describe('Of a consult findings; of a review also verdict, confidence, coverage.'),
  patch: z.string().nullable().describe('This page; null if none was taken.'),
  patch_encoding: z.enum(['utf-8', 'base64']).nullable(),
  next_cursor: z.string().nullable().describe('Of the next page; null on the last.'),
  patch_bytes: z.number().nullable().describe('Of all pages.'),
  patch_sha256: z.string().nullable(),
  baseline_commit: z.string().nullable(),
  redacted: z.array(z.object({ path: z.string(), reason: z.string() })).describe('Masked or withheld here.'),
  files: z.array(changedFile).describe('On the first page.'),
  files_total: z.number(),
  usage: tokenUsage.nullable(),
  timings: z.record(z.string(), z.number()).describe('Milliseconds in each state.'),
  thread_id: z.string().nullable(),
  containment: z.enum(['namespace', 'group']).nullable().describe("How the agent's processes were held."),
  failed_attempts: z
    .array(z.record(z.string(), z.union([z.string(), z.number()])))
    .describe('Those that the agent went on after.'),
  warnings: z.array(z.string()),
  error: jobError.nullable().describe('Why it did not end as done.'),
  events: z.array(journalEntry).optional().describe('The journal, with detail full.'),
});

export type JobResult = z.infer<typeof jobResult>;

export interface ResultRequest extends ViewRequest {
  job_id: string;
  detail: 'summary' | 'full';
}

/** A result as callers see it. */
export interface ShownResult {
  result: JobResult;
  /** Whether nothing was cut of the agent's message or answer. */
  whole: boolean;
}

/** The result of a settled job: `job_running` before, and `result_unreadable` when the patch was damaged. */
export async function readResult(request: ResultRequest, house: House): Promise<Outcome<ShownResult>> {
  const view = await house.supervisor.look(request.job_id);
  if (view === null) return refuse('job_not_found');
  if (!isSettled(view.record.state)) return refuseRunning(view, house.now());
  const left = await readArtifacts(view.record, request, house.settings.stateDir);
  if (left.ok) return succeed(await describeResult(view.record, left.value, request, house));
  // The job may have been consumed or pruned while it was read.
  const gone = (await house.supervisor.look(request.job_id)) === null;
  return gone ? refuse('job_not_found') : left;
}

interface Artifacts {
  page: Page | null;
  answer: AnswerView | null;
}

async function readArtifacts(
  record: JobRecord,
  request: ViewRequest,
  stateDir: string,
): Promise<Outcome<Artifacts>> {
  const page = await readPage(record, request, stateDir);
  if (!page.ok) return page;
  const answer = await readAnswerView(record, stateDir);
  return answer.ok ? succeed({ page: page.value, answer: answer.value }) : answer;
}

/** The refusal of what needs a job to have settled. */
export const refuseRunning = ({ record }: JobView, now: number) =>
  refuse('job_running', {
    retryAfterMs: pollAfterMs(record, now) ?? undefined,
    repairArguments: waitArguments(record.id),
    details: { status: record.state },
  });

// With a page of the patch and the file list, the whole answer stays under 100 KB.
const MAX_SUMMARY_BYTES = 12 * 1024;
/** Its message is what the patch leaves out. */
const TOO_LARGE: ErrorCode = 'patch_too_large';
const MAX_WARNINGS_BYTES = 4 * 1024;
const MAX_WARNING_BYTES = 512;
const MAX_EVENTS_BYTES = 4 * 1024;
const MAX_REDACTED_BYTES = 2 * 1024;

async function describeResult(
  record: JobRecord,
  artifacts: Artifacts,
  request: ResultRequest,
  house: House,
): Promise<ShownResult> {
  const { id, state, context, submission } = record;
  const { patch, run, worktree } = context;
  const { page, answer } = artifacts;
  const summary = fitText(run?.summary ?? '', MAX_SUMMARY_BYTES);
  // The message of a job that only reads is the beginning of its answer.
  const messageShown = summary.whole || answer?.summary != null;
  const result: JobResult = {
    job_id: id,
    label: submission.label,
    continues: submission.continues?.jobId ?? null,
    status: state as JobResult['status'],
    kind: submission.kind,
    summary: answer?.summary ?? (run?.summary == null ? null : summary.text),
    answer: answer?.answer ?? null,
    patch: page?.text ?? null,
    patch_encoding: page?.encoding ?? null,
    next_cursor: page?.nextCursor ?? null,
    patch_bytes: patch?.bytes ?? null,
    patch_sha256: patch?.sha256 ?? null,
    baseline_commit: worktree?.baselineCommit ?? null,
    redacted: describeRedacted(page?.redacted ?? []),
    files: page?.first ? describeFiles(page.files ?? []) : [],
    files_total: patch?.files ?? 0,
    usage: usageOf(record),
    timings: timingsOf(record),
    thread_id: run?.threadId ?? null,
    containment: run?.containment ?? null,
    failed_attempts: context.failedAttempts.map(({ attempt, code, message, retryAfterMs }) => ({
      attempt,
      code,
      message,
      waited_ms: retryAfterMs,
    })),
    warnings: fitList(
      warningsOf(record, artifacts, messageShown).map((warning) => fitText(warning, MAX_WARNING_BYTES).text),
      MAX_WARNINGS_BYTES,
    ),
    error: describeEnding(context.ending),
    ...(request.detail === 'full' ? { events: await readEvents(id, house) } : {}),
  };
  return { result, whole: messageShown && answer?.whole !== false };
}

/** What the stages of the job warned of, and what is not whole in this answer. */
function warningsOf(
  { context: { worktree, run, patch, ending } }: JobRecord,
  { page, answer }: Artifacts,
  messageShown: boolean,
): string[] {
  return [
    ...(worktree?.warnings ?? []),
    ...(run?.warnings ?? []),
    ...(patch?.warnings ?? []),
    ...(patch?.leftOut === undefined || ending?.code === TOO_LARGE ? [] : [patch.leftOut]),
    ...(answer?.warnings ?? []),
    ...(messageShown ? [] : ["The agent's last message was longer and is cut."]),
    ...(page?.first && page.files === null ? ['The file list is missing; the patch itself is whole.'] : []),
  ];
}

/** Never empty where something is masked or withheld, whatever fits: a caller reads from it that this is not the whole. */
function describeRedacted(redacted: Page['redacted']): JobResult['redacted'] {
  const fitting = fitList(redacted, MAX_REDACTED_BYTES);
  const left = redacted.length - fitting.length;
  return left === 0
    ? fitting
    : [...fitting, { path: `${counted(left, 'file')} more`, reason: 'not named here' }];
}

/** Milliseconds that a settled job spent in each state it went through. */
function timingsOf({ entered }: Pick<JobRecord, 'entered'>): Record<string, number> {
  const visits = jobStates
    .map((state) => ({ state, at: entered[state] }))
    .filter((visit): visit is { state: (typeof jobStates)[number]; at: number } => visit.at !== undefined);
  return Object.fromEntries(
    visits.slice(0, -1).map(({ state, at }, index) => [state, (visits[index + 1]?.at ?? at) - at]),
  );
}

/** The journal, oldest first; the newest lines of one that is too long. */
async function readEvents(jobId: string, { supervisor }: House): Promise<NonNullable<JobResult['events']>> {
  const journal = await supervisor.journal(jobId);
  const newestFirst = journal.toReversed().map(({ at, state, event, reason }) => ({
    at: instant(at),
    state,
    event,
    reason: reason === null ? null : fitText(reason, MAX_WARNING_BYTES).text,
  }));
  return fitList(newestFirst, MAX_EVENTS_BYTES).reverse();
}
