import { succeed } from '../errors.js';
import { handleOf } from './handle.js';
import { defineOperation } from './operation.js';
import { advertisedElsewhere, reviewInput, reviewWork } from './reading-fields.js';
import { submitOne } from './submit-job.js';

export const reviewChangesAsync = defineOperation({
  tool: 'codex_review_changes_async',
  command: 'review --background',
  title: 'Have Codex review changes in the background',
  description:
    'Has Codex review the changes of a working tree, branch or commit in the background, and returns a job id at once. ' +
    'Use it before a merge; codex_review_changes waits, codex_delegate_async mends. ' +
    'The answer in codex_job_result has verdict, confidence, findings and coverage. Binary, secret and large files, and all over 256 KiB, are left out and named: a pass is then partial. Nothing reviewable fails with nothing_to_review, unspent. ' +
    'It reads, sends and spends as codex_consult_async; masking of secrets is best effort.',
  input: reviewInput,
  output: advertisedElsewhere,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  async handle(input, call) {
    const work = reviewWork(input);
    const submitted = work.ok ? await submitOne(work.value, call) : work;
    if (!submitted.ok) return submitted;
    return succeed({ ok: true as const, ...handleOf(submitted.value, call.house.now()) });
  },
});
