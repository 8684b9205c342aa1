import { z } from 'zod';
import { succeed } from '../errors.js';
import { delegateFields } from './fields.js';
import { handleOf, jobHandle } from './handle.js';
import { defineOperation } from './operation.js';
import { submitJob } from './submit-job.js';

export const delegateAsync = defineOperation({
  tool: 'codex_delegate_async',
  command: 'delegate --background',
  title: 'Delegate a task to Codex in the background',
  description:
    'Starts one coding task with Codex in the background, in a private copy of a git repository, and returns a job id at once. ' +
    'Use it for most work, also for many tasks side by side; use codex_delegate only for a short task whose result is needed before anything else. ' +
    "The job starts from HEAD plus the caller's uncommitted tracked changes (base_ref starts elsewhere), runs without network, never changes the caller's files, index or refs, and leaves a patch to review. " +
    'The task text and what Codex reads go to the model and spend tokens; jobs over the limits wait in a queue, and a deadline ends the run with the patch so far kept. ' +
    'The job outlives the client and a restart; its result is kept for a day unless configured otherwise. ' +
    'With an idempotency_key a repeated call answers the first job instead of paying twice.',
  input: z.strictObject(delegateFields),
  output: z.object({ ok: z.literal(true), ...jobHandle.shape }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  async handle(input, call) {
    const submitted = await submitJob(input, call);
    if (!submitted.ok) return submitted;
    return succeed({ ok: true as const, ...handleOf(submitted.value, call.house.now()) });
  },
});
