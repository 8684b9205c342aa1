import type { Settings } from '../config.js';
import type { ErrorCode } from '../errors.js';

/** Failures that pass by themselves: nothing about the task or the account has to change. */
const PASSING: readonly ErrorCode[] = ['codex_rate_limited', 'model_unavailable', 'machine_exhausted'];

/** Each wait is this many times as long as the one before. */
const GROWTH = 4;

/**
 * How long to wait before the next attempt, in milliseconds: `retry_seconds`, four times as long each time, and
 * up to a quarter more, so that jobs that failed together do not come back together. Null for a failure that
 * does not pass, and after the last attempt.
 */
export function retryAfterMs(
  code: ErrorCode,
  attempt: number,
  { maxAttempts, retrySeconds }: Pick<Settings, 'maxAttempts' | 'retrySeconds'>,
  random: () => number = Math.random,
): number | null {
  if (!PASSING.includes(code) || attempt >= maxAttempts) return null;
  return Math.round(retrySeconds * 1_000 * GROWTH ** (attempt - 1) * (1 + random() / 4));
}
