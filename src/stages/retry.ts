import type { AgentFailure } from '../agents/agent.js';
import type { Settings } from '../config.js';
import type { ErrorCode } from '../errors.js';
import type { RunTask } from '../pool/messages.js';

/** Failures that pass by themselves: nothing about the task or the account has to change. */
const PASSING: readonly ErrorCode[] = [
  'codex_rate_limited',
  'model_unavailable',
  'machine_exhausted',
  'host_lost',
];

/** Each wait is this many times as long as the one before. */
const GROWTH = 4;

/**
 * How long to wait before the next attempt, in milliseconds: until the limit resets, where the failure tells when,
 * else `retry_seconds`, four times as long each time. Jobs that failed together do not come back together: a wait
 * is up to a quarter longer, one for a reset up to `retry_seconds`. Null for a failure that does not pass, or
 * not before the job's deadline, and after the last attempt. `now` is an instant.
 */
export function retryAfterMs(
  { code, resetAt }: Pick<AgentFailure, 'code' | 'resetAt'>,
  { attempt, deadlineAt }: Pick<RunTask, 'attempt' | 'deadlineAt'>,
  { maxAttempts, retrySeconds }: Pick<Settings, 'maxAttempts' | 'retrySeconds'>,
  now: number,
  random: () => number = Math.random,
): number | null {
  if (attempt >= maxAttempts) return null;
  const firstWait = retrySeconds * 1_000;
  if (resetAt !== undefined) {
    const wait = Math.round(Math.max(0, resetAt - now) + firstWait * random());
    return now + wait < deadlineAt ? wait : null;
  }
  if (!PASSING.includes(code)) return null;
  return Math.round(firstWait * GROWTH ** (attempt - 1) * (1 + random() / 4));
}
