import { z } from 'zod';
import { refuse, succeed } from '../errors.js';
import { anyWorkspace, jobId } from './fields.js';
import { describeJob, jobState } from './job-state.js';
import { defineOperation } from './operation.js';

export const jobCancel = defineOperation({
  tool: 'codex_job_cancel',
  command: 'cancel',
  title: 'Cancel a job',
  description:
    'Ends one job, queued or running, for good. ' +
    'Use it when the work is no longer wanted; to stop waiting and let the job go on, end the wait instead. ' +
    'A queued job is cancelled at once; of a running one all processes are killed, the patch so far is kept for codex_job_result, and then its worktree is removed, which may take some seconds: meanwhile stopping is set. ' +
    'The request is durable when the answer comes, also over a restart. ' +
    'A job that has ended stays as it is; tokens already spent stay spent.',
  input: z.strictObject({ job_id: jobId, workspace_root: anyWorkspace }),
  output: z.looseObject({
    ok: z.literal(true),
    ...jobState.pick({ job_id: true, status: true, stopping: true }).shape,
  }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async handle(input, { house }) {
    const view = await house.supervisor.cancel(input.job_id, 'A client cancelled the job.');
    return view === null
      ? refuse('job_not_found')
      : succeed({ ok: true as const, ...describeJob(view, house.now()) });
  },
});
