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
