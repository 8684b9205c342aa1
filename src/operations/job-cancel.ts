import { z } from 'zod';
import { type Outcome, refuse, succeed } from '../errors.js';
import { isSettled } from '../job/record.js';
import { anyWorkspace, groupId, jobId, label } from './fields.js';
import { describeJob, jobState } from './job-state.js';
import { defineOperation, type House } from './operation.js';
import { type Name, namedInOneWay, pagesOf } from './select-jobs.js';

const REASON = 'A client cancelled the job.';

export const jobCancel = defineOperation({
  tool: 'codex_job_cancel',
  command: 'cancel',
  title: 'Cancel jobs',
  description:
    'Ends one job, or all jobs of a group or label, queued or running, for good. ' +
    'Use it when the work is no longer wanted; to stop waiting and let the job go on, end the wait instead. ' +
    'A queued job is cancelled at once; of a running one all processes are killed, the patch so far is kept for codex_job_result, and then its worktree is removed, which may take some seconds: meanwhile stopping is set. ' +
    'Jobs that its agent started end with it. ' +
    'The request is durable when the answer comes, also over a restart. ' +
    'A job that has ended stays as it is; tokens already spent stay spent.',
  input: z.strictObject({
    job_id: jobId.optional(),
    group_id: groupId.describe('Cancel the jobs of this group.'),
    label: label.describe('Cancel the jobs with this label.'),
    workspace_root: anyWorkspace,
  }),
  output: z.looseObject({
    ok: z.literal(true),
    ...jobState.pick({ job_id: true, status: true, stopping: true }).partial().shape,
    cancelled: z.number().describe('Jobs that were still to end.'),
  }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async handle({ job_id: id, group_id, label }, { house }) {
    const named = namedInOneWay({ ids: id === undefined ? id : [id], group_id, label });
    if (!named.ok) return named;
    return id === undefined ? cancelAll({ group_id, label }, house) : cancelOne(id, house);
  },
});

async function cancelOne(jobId: string, { supervisor, now }: House) {
  const before = await supervisor.look(jobId);
  const view = await supervisor.cancel(jobId, REASON);
  if (before === null || view === null) return refuse('job_not_found');
  return succeed({
    ok: true as const,
    cancelled: isSettled(before.record.state) ? 0 : 1,
    ...describeJob(view, now()),
  });
}

/** The jobs of a page become durable together; the oldest, which may run, give their permits back last. */
async function cancelAll(
  name: Name,
  { supervisor }: House,
): Promise<Outcome<{ ok: true; cancelled: number }>> {
  let cancelled = 0;
  for await (const views of pagesOf(name, supervisor)) {
    const unsettled = views.filter(({ record }) => !isSettled(record.state));
    await Promise.all(unsettled.map(({ record }) => supervisor.cancel(record.id, REASON)));
    cancelled += unsettled.length;
  }
  return succeed({ ok: true as const, cancelled });
}
