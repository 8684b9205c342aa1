import { z } from 'zod';
import { answerInTime, answerInTimeOutput, longestWait } from './answer-in-time.js';
import { delegateFields, sharedInShort } from './fields.js';
import { defineOperation } from './operation.js';
import { submitJob } from './submit-job.js';

export const delegate = defineOperation({
  tool: 'codex_delegate',
  command: 'delegate',
  title: 'Delegate a task to Codex and wait',
  description:
    'Runs one coding task with Codex in a private copy of a git repository and waits for the resulting patch. ' +
    'Use it when nothing else can be done meanwhile and the task is short; use codex_delegate_async for long or parallel work. ' +
    'It answers as codex_job_result does; when timeout_seconds pass first it answers the handle of the job with settled false, and the job goes on, as it does when the caller cancels or goes away: only codex_job_cancel ends it. ' +
    "It starts and is isolated like codex_delegate_async: no network, the caller's files, index and refs stay as they are, and tokens are spent. " +
    'A lost call can be repeated with either, by its idempotency_key.',
  input: z.strictObject({
    task: delegateFields.task,
    ...sharedInShort,
    timeout_seconds: longestWait,
  }),
  output: answerInTimeOutput,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  async handle({ timeout_seconds, ...work }, call) {
    const submitted = await submitJob(work, call);
    if (!submitted.ok) return submitted;
    return answerInTime(submitted.value, timeout_seconds, call);
  },
});
