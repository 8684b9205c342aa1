import { z } from 'zod';
import { refuse, succeed } from '../errors.js';
import { isSettled, jobStates } from '../job/record.js';
import { delegateFields } from './fields.js';
import { handleOf } from './handle.js';
import { defineOperation } from './operation.js';
import { readResult } from './result.js';
import { submitJob } from './submit-job.js';
import { progressLine, waitForJobs } from './wait-for-jobs.js';

export const delegate = defineOperation({
  tool: 'codex_delegate',
  command: 'delegate',
  title: 'Delegate a task to Codex and wait',
  description:
    'Runs one coding task with Codex in a private copy of a git repository and waits for the resulting patch. ' +
    'Use it when nothing else can be done meanwhile and the task is short; use codex_delegate_async for long or parallel work. ' +
    'It answers as codex_job_result does; when timeout_seconds pass first it answers the handle of the job with settled false, and the job goes on, as it does when the caller cancels or goes away: only codex_job_cancel ends it. ' +
    "It starts and is isolated like codex_delegate_async: no network, the caller's files, index and refs stay as they are, and tokens are spent. " +
    'Both tools share idempotency keys, so a lost call can be repeated with either.',
  input: z.strictObject({
    ...delegateFields,
    timeout_seconds: z
      .number()
      .int()
      .min(10)
      .max(3_600)
      .default(300)
      .describe('How long to wait, counted with the queue; it ends the wait, not the job.'),
  }),
  // Both shapes are advertised in full by the tools they belong to; a third copy would only cost tokens.
  output: z.looseObject({
    ok: z.literal(true),
    job_id: z.string(),
    status: z.enum(jobStates),
    settled: z
      .boolean()
      .describe('True: further fields as codex_job_result. False: as codex_delegate_async.'),
    replayed: z.boolean(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  async handle({ timeout_seconds, ...work }, call) {
    const submitted = await submitJob(work, call);
    if (!submitted.ok) return submitted;
    const { record, replayed } = submitted.value;
    if (call.listens) call.report(progressLine(submitted.value));
    await waitForJobs([record.id], 'any', timeout_seconds, call);
    const view = await call.house.supervisor.look(record.id);
    if (view === null) return refuse('job_not_found');
    if (!isSettled(view.record.state)) {
      return succeed({
        ok: true as const,
        settled: false,
        ...handleOf({ ...view, replayed }, call.house.now()),
      });
    }
    const result = await readResult({ job_id: record.id, detail: 'summary', raw: false }, call.house);
    return result.ok ? succeed({ ok: true as const, settled: true, ...result.value, replayed }) : result;
  },
});
