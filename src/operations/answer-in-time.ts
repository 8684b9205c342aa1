import { z } from 'zod';
import { type Outcome, refuse, succeed } from '../errors.js';
import { isSettled, jobStates } from '../job/record.js';
import type { JobView } from '../job/supervisor.js';
import { handleOf } from './handle.js';
import type { Call } from './operation.js';
import { readResult } from './result.js';
import { waitForJobs } from './wait-for-jobs.js';

/** Input field of the verbs that wait for the job that they start. */
export const longestWait = z
  .number()
  .int()
  .min(10)
  .max(3_600)
  .default(300)
  .describe('How long to wait, counted with the queue; it ends the wait, not the job.');

/** What those verbs answer. Both shapes are advertised by the tools they belong to; another copy would only cost tokens. */
export const answerInTimeOutput = z.looseObject({
  ok: z.literal(true),
  job_id: z.string(),
  status: z.enum(jobStates),
  settled: z.boolean().describe('True: further fields as codex_job_result. False: as codex_delegate_async.'),
  replayed: z.boolean(),
});

/** Waits for a job that was just submitted: its result, or its handle once `seconds` have passed. */
export async function answerInTime(
  submitted: JobView,
  seconds: number,
  call: Call,
): Promise<Outcome<z.infer<typeof answerInTimeOutput>>> {
  const { record, replayed } = submitted;
  await waitForJobs([record.id], 'any', seconds, call);
  const view = await call.house.supervisor.look(record.id);
  if (view === null) return refuse('job_not_found');
  if (!isSettled(view.record.state)) {
    return succeed({ ok: true, settled: false, ...handleOf({ ...view, replayed }, call.house.now()) });
  }
  const read = await readResult({ job_id: record.id, detail: 'summary', raw: false }, call.house);
  return read.ok ? succeed({ ok: true, settled: true, ...read.value.result, replayed }) : read;
}
