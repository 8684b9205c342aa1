import { z } from 'zod';
import { refuse, succeed } from '../errors.js';
import { anyWorkspace, jobId } from './fields.js';
import { describeJob, jobState } from './job-state.js';
import { defineOperation } from './operation.js';

export const jobStatus = defineOperation({
  tool: 'codex_job_status',
  command: 'status',
  title: 'Look at one job',
  description:
    'Reads the state of one job as it is now: its place in the queue, what its agent does, tokens so far, and how it ended. ' +
    'Use it for a single look; to be told when jobs end use codex_job_wait, which spares polling, and for the patch use codex_job_result. ' +
    'It answers at once, changes nothing and spends nothing. ' +
    'Leave poll_after_ms between two looks. ' +
    'Consumed jobs, and settled ones past their time to live, are job_not_found.',
  input: z.strictObject({ job_id: jobId, workspace_root: anyWorkspace }),
  output: z.object({ ok: z.literal(true), ...jobState.shape }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async handle(input, { house }) {
    const view = await house.supervisor.look(input.job_id);
    return view === null
      ? refuse('job_not_found')
      : succeed({ ok: true as const, ...describeJob(view, house.now()) });
  },
});
