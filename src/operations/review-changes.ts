import { answerInTime } from './answer-in-time.js';
import { defineOperation } from './operation.js';
import { advertisedElsewhere, reviewWork, waitingReviewInput } from './reading-fields.js';
import { submitOne } from './submit-job.js';

export const reviewChanges = defineOperation({
  tool: 'codex_review_changes',
  command: 'review',
  title: 'Have Codex review changes and wait',
  description:
    'Has Codex review the changes of a working tree, branch or commit, and waits for the verdict. ' +
    'Use it for few changes; else codex_review_changes_async, which tells what is left out, sent and spent. ' +
    'As with codex_consult, a handle comes when timeout_seconds pass first, and the job goes on; else what codex_job_result tells.',
  input: waitingReviewInput,
  output: advertisedElsewhere,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  async handle({ timeout_seconds, ...input }, call) {
    const work = reviewWork({ isolation: 'inherit', include_untracked: true, ...input });
    const submitted = work.ok ? await submitOne(work.value, call) : work;
    return submitted.ok ? answerInTime(submitted.value, timeout_seconds, call) : submitted;
  },
});
