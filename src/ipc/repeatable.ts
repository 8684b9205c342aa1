/**
 * Which tools may be called again when the answer got lost, told without loading them; a test holds the lists against
 * the operations.
 */

/** These only read: a second call does no more than the first. */
const reading: ReadonlySet<string> = new Set([
  'codex_delegate_dry_run',
  'codex_job_wait',
  'codex_job_result',
  'codex_job_status',
  'codex_job_list',
  'codex_status',
  'codex_models',
]);

/** These start work: called again with the same idempotency key they answer the first job. */
const starting: ReadonlySet<string> = new Set([
  'codex_delegate_async',
  'codex_delegate',
  'codex_delegate_batch',
  'codex_consult_async',
  'codex_consult',
  'codex_review_changes_async',
  'codex_review_changes',
]);

export const onlyReads = (tool: unknown): boolean => reading.has(String(tool));

export const startsWork = (tool: unknown): boolean => starting.has(String(tool));

/** Longest waits in seconds, of the tools that wait: unless the caller says otherwise, and the shortest worth a call. */
const waiting: ReadonlyMap<unknown, { default: number; least: number }> = new Map([
  ['codex_job_wait', { default: 25, least: 1 }],
  ...['codex_delegate', 'codex_consult', 'codex_review_changes'].map(
    (tool) => [tool, { default: 300, least: 10 }] as const,
  ),
]);

/** The input of a call that is made again: where a part of a wait is over, the rest is as much shorter. */
export function afterWaiting<Input extends object>(tool: unknown, input: Input, milliseconds: number): Input {
  const wait = waiting.get(tool);
  const { timeout_seconds: given = wait?.default } = input as { timeout_seconds?: unknown };
  if (wait === undefined || typeof given !== 'number' || given <= wait.least) return input;
  const left = Math.max(wait.least, Math.ceil(given - milliseconds / 1_000));
  return left === given ? input : { ...input, timeout_seconds: left };
}
