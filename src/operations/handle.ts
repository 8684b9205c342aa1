import { z } from 'zod';
import { isSettled, jobStates } from '../job/record.js';
import type { JobView } from '../job/supervisor.js';
import { instant, pollAfterMs } from './job-state.js';

/** What a caller keeps of a job that goes on without it. */
export const jobHandle = z.object({
  job_id: z.string(),
  status: z.enum(jobStates),
  queue_position: z.number().nullable().describe('1 is next.'),
  deadline_at: z.string().nullable().describe('Set once the job leaves the queue.'),
  poll_after_ms: z.number().nullable(),
  follow_up: z
    .object({ next_step: z.string(), tool: z.string(), arguments: z.record(z.string(), z.unknown()) })
    .describe('A call to make next, as it stands.'),
  replayed: z.boolean().describe('The idempotency key had started this job before.'),
});

export type JobHandle = z.infer<typeof jobHandle>;

/** The handle of a job as it is at `now`. */
export function handleOf(view: JobView, now: number): JobHandle {
  const { record } = view;
  return {
    job_id: record.id,
    status: record.state,
    queue_position: view.queuePosition,
    deadline_at: record.deadlineAt === null ? null : instant(record.deadlineAt),
    poll_after_ms: pollAfterMs(record, now),
    follow_up: isSettled(record.state)
      ? { next_step: 'take_result', tool: 'codex_job_result', arguments: { job_id: record.id } }
      : { next_step: 'wait_for_job', tool: 'codex_job_wait', arguments: waitArguments(record.id) },
    replayed: view.replayed,
  };
}

/** Arguments with which `codex_job_wait` waits for one job. */
export const waitArguments = (jobId: string) => ({ job_ids: [jobId], mode: 'any' });
