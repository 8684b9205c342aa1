import { z } from 'zod';
import { succeed } from '../errors.js';
import { jobStates } from '../job/record.js';
import { anyWorkspace, groupId, jobId, label } from './fields.js';
import { describeJob, type JobStateAnswer } from './job-state.js';
import { defineOperation, type House } from './operation.js';
import { selectJobs } from './select-jobs.js';
import { shareAnswer } from './shared-answer.js';
import { waitForJobs } from './wait-for-jobs.js';

/** A job as codex_job_status shows it, which advertises it in full; only its place is kept of an unknown one. */
export type AwaitedJob = JobStateAnswer | { job_id: string; status: 'unknown' };

const awaitedJob = z.looseObject({ job_id: z.string(), status: z.enum([...jobStates, 'unknown']) });

const MAX_ANSWERED = 100;

export const jobWait = defineOperation({
  tool: 'codex_job_wait',
  command: 'wait',
  title: 'Wait for jobs to end',
  description:
    'Waits until any, or all, of the jobs named by id, group or label have ended, and reads the state of each. ' +
    'Use it after codex_delegate_async instead of polling codex_job_status; then take each patch with codex_job_result. ' +
    'It answers as soon as the mode is met, at once if that is so already, and after timeout_seconds with timed_out true, which is no error: call it again. ' +
    'With mode any, leave out jobs whose end you know, and wait for a group or label with mode all: any is met there from the first end on. A job that does not exist counts as ended and has status unknown. ' +
    'Ending the wait, also by cancelling the call, ends no job; nothing is changed or spent.',
  input: z.strictObject({
    job_ids: z
      .array(jobId)
      .min(1)
      .max(100)
      .optional()
      .describe('Ids of the jobs; or name a group or a label.'),
    group_id: groupId.describe('Wait for the jobs of this group.'),
    label: label.describe('Wait for the jobs with this label.'),
    mode: z.enum(['any', 'all']).default('any').describe('Whether one ended job is enough, or all must end.'),
    timeout_seconds: z.number().int().min(0).max(50).describe('Longest wait; 0 only looks.').default(25),
    workspace_root: anyWorkspace,
  }),
  output: z.object({
    ok: z.literal(true),
    timed_out: z.boolean(),
    jobs: z
      .array(awaitedJob)
      .describe(
        'As codex_job_status, in the order of job_ids or newest first; of more than 100 those first that have ended.',
      ),
    jobs_total: z.number(),
  }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async handle(input, call) {
    const { job_ids: ids, mode, timeout_seconds: seconds, ...named } = input;
    const jobIds = await selectJobs(
      { ids, group_id: named.group_id, label: named.label },
      call.house.supervisor,
    );
    if (!jobIds.ok) return jobIds;
    const met = await waitForJobs(jobIds.value, mode, seconds, call);
    const [id = '', ...others] = jobIds.value;
    const answer = () => describeAll(jobIds.value, !met, call.house);
    return succeed(await (met && others.length === 0 ? tellOnce(id, call.house, answer) : answer()));
  },
});

/** What is told of the ends of single jobs in this turn of the loop. */
const told = new WeakMap<House, Map<string, Promise<Answer>>>();

/** The same answer for all whom the end of a job wakes: they may be a thousand. */
function tellOnce(jobId: string, house: House, answer: () => Promise<Answer>): Promise<Answer> {
  const ends = told.get(house) ?? new Map<string, Promise<Answer>>();
  const known = ends.get(jobId);
  if (known !== undefined) return known;
  const shared = answer().then(shareAnswer);
  told.set(house, ends.set(jobId, shared));
  setImmediate(() => ends.delete(jobId));
  return shared;
}

interface Answer {
  ok: true;
  timed_out: boolean;
  jobs: AwaitedJob[];
  jobs_total: number;
}

async function describeAll(jobIds: readonly string[], timedOut: boolean, house: House): Promise<Answer> {
  const shown = atMostAnswered(jobIds, house);
  return {
    ok: true,
    timed_out: timedOut,
    jobs: await Promise.all(shown.map((id) => describe(id, house))),
    jobs_total: jobIds.length,
  };
}

/** All of them, or of more than an answer holds those first that have ended. */
function atMostAnswered(jobIds: readonly string[], { supervisor }: House): readonly string[] {
  if (jobIds.length <= MAX_ANSWERED) return jobIds;
  const unsettled = jobIds.filter((id) => supervisor.isUnsettled(id));
  const ended = jobIds.filter((id) => !supervisor.isUnsettled(id));
  return [...ended, ...unsettled].slice(0, MAX_ANSWERED);
}

async function describe(id: string, { supervisor, now }: House): Promise<AwaitedJob> {
  const view = await supervisor.look(id);
  return view === null ? { job_id: id, status: 'unknown' } : describeJob(view, now());
}
