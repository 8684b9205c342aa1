import { z } from 'zod';
import type { Ending, Usage } from '../../machines/job.js';
import { type ErrorCode, errorTable, type Fault } from '../errors.js';
import { isSettled, type JobRecord, jobKinds, jobStates } from '../job/record.js';
import type { JobView } from '../job/supervisor.js';
import { fitText } from './fit.js';

/** How a job that did not end as `done` ended. */
export const jobError = z.object({ code: z.string(), message: z.string(), advice: z.string() });

/** Tokens by kind: `input_tokens`, `cached_input_tokens`, `output_tokens`, `reasoning_output_tokens`. */
export const tokenUsage = z.record(z.string(), z.number());

/** What a client sees of a job, settled or not. Instants are ISO 8601 in UTC. */
export const jobState = z.object({
  job_id: z.string(),
  label: z.string().nullable(),
  continues: z.string().nullable(),
  kind: z.enum(jobKinds),
  status: z.enum(jobStates),
  since: z.string().describe('When it entered this status.'),
  stopping: z
    .enum(['failed', 'cancelled', 'expired'])
    .nullable()
    .describe('How it will end, once that is decided.'),
  queue_position: z.number().nullable().describe('1 is next.'),
  activity: z.string().nullable().describe('What the agent does now.'),
  events_seen: z.number(),
  last_event_age_ms: z.number().nullable(),
  usage: tokenUsage.nullable(),
  attempt: z.number(),
  retry_at: z.string().nullable().describe('When the next attempt begins.'),
  poll_after_ms: z.number().nullable().describe('Null once settled.'),
  deadline_at: z.string().nullable(),
  error: jobError.nullable().describe('Why it did not end as done.'),
});

export type JobStateAnswer = z.infer<typeof jobState>;

/** Renders a job as it is at `now`. */
export function describeJob({ record, queuePosition }: JobView, now: number): JobStateAnswer {
  const { context } = record;
  const settled = isSettled(record.state);
  const { events, lastEventAt, activity } = context.progress;
  return {
    job_id: record.id,
    label: record.submission.label,
    continues: record.submission.continues?.jobId ?? null,
    kind: record.submission.kind,
    status: record.state,
    since: instant(enteredAt(record)),
    stopping: settled ? null : (context.ending?.kind ?? null),
    queue_position: queuePosition,
    activity: settled ? null : (waitedFor(record) ?? activity),
    events_seen: events,
    last_event_age_ms: lastEventAt === null ? null : Math.max(0, now - lastEventAt),
    usage: usageOf(record),
    attempt: context.attempt,
    retry_at: record.retryAt === null ? null : instant(record.retryAt),
    poll_after_ms: pollAfterMs(record, now),
    deadline_at: record.deadlineAt === null ? null : instant(record.deadlineAt),
    error: settled ? describeEnding(context.ending) : null,
  };
}

const MAX_ACTIVITY_BYTES = 300;

/** What a job between two attempts waits for; null for any other. */
function waitedFor({ state, context }: JobRecord): string | null {
  const failed = state === 'retrying' ? context.failedAttempts.at(-1) : undefined;
  return failed === undefined
    ? null
    : fitText(`Waits to go on, after ${failed.code}: ${failed.message}`, MAX_ACTIVITY_BYTES).text;
}

export const instant = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** Instant of the last transition, in milliseconds since the epoch. */
export const enteredAt = (record: JobRecord): number => record.entered[record.state] ?? 0;

const SOONEST_POLL_MS = 1_000;
const LATEST_POLL_MS = 10_000;

/** When to look again: the longer a job has been in its state, the later. Null once it has settled. */
export function pollAfterMs(record: JobRecord, now: number): number | null {
  if (isSettled(record.state)) return null;
  return Math.min(LATEST_POLL_MS, Math.max(SOONEST_POLL_MS, now - enteredAt(record)));
}

/** Tokens spent so far, in the words of the answer; null until the agent has told them. */
export function usageOf({ context }: JobRecord): z.infer<typeof tokenUsage> | null {
  const usage: Usage | null = context.run?.usage ?? context.progress.usage;
  if (usage === null) return null;
  return {
    input_tokens: usage.inputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    output_tokens: usage.outputTokens,
    reasoning_output_tokens: usage.reasoningOutputTokens,
  };
}

/** Why no work is accepted, with the table's advice. */
export const describeRefusal = ({ code, message }: Fault): z.infer<typeof jobError> => ({
  code,
  message,
  advice: errorTable[code].advice,
});

const MAX_MESSAGE_BYTES = 2 * 1024;

/** The ending with the table's advice; null for a job that ended as done. */
export function describeEnding(ending: Ending | null): z.infer<typeof jobError> | null {
  if (ending === null) return null;
  const code = Object.hasOwn(errorTable, ending.code) ? (ending.code as ErrorCode) : 'internal_error';
  return {
    code: ending.code,
    message: fitText(ending.message, MAX_MESSAGE_BYTES).text,
    advice: errorTable[code].advice,
  };
}
