import { z } from 'zod';
import { succeed } from '../errors.js';
import { delegateFields, sharedInShort } from './fields.js';
import { handleOf, jobHandle } from './handle.js';
import { defineOperation } from './operation.js';
import { submitJobs } from './submit-job.js';

const { task, workspace_root, base_ref, label } = delegateFields;
const { continues: _, ...shared } = sharedInShort;
const MOST_TASKS = 100;

export const delegateBatch = defineOperation({
  tool: 'codex_delegate_batch',
  command: 'delegate-batch',
  title: 'Delegate many tasks to Codex in the background',
  description:
    'Starts up to 100 coding tasks with Codex in the background, each a job of its own in a private copy of its repository, and returns their ids at once. ' +
    'Use it to fan work out; for one task use codex_delegate_async. ' +
    'All jobs are accepted, or none: a task that cannot be refuses the batch and is named. ' +
    'What stands beside tasks holds for all of them; a field of a task goes before it. ' +
    'With a group_id they are waited for, listed and cancelled together. ' +
    'Isolation, limits, spending and keeping are those of codex_delegate_async.',
  input: z.strictObject({
    tasks: z
      .array(
        z.strictObject({
          task,
          workspace_root: workspace_root.describe('As beside tasks.'),
          base_ref: base_ref.describe('As beside tasks.'),
          label: label.describe('As beside tasks.'),
        }),
      )
      .min(1)
      .max(MOST_TASKS)
      .describe('The tasks, in the order in which they shall start.'),
    ...shared,
  }),
  output: z.object({
    ok: z.literal(true),
    jobs: z.array(jobHandle.pick({ job_id: true, status: true, queue_position: true, replayed: true })),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  async handle({ tasks, ...defaults }, call) {
    const key = defaults.idempotency_key;
    const inputs = tasks.map((each, index) => ({
      ...defaults,
      ...Object.fromEntries(Object.entries(each).filter(([, value]) => value !== undefined)),
      task: each.task,
      // Each job has a key of its own, so that a repeated batch answers the same jobs.
      ...(key !== undefined && { idempotency_key: `${key}#${index}` }),
    }));
    const submitted = await submitJobs(inputs, call);
    if (!submitted.ok) return submitted;
    const jobs = submitted.value.map((view) => {
      const { job_id, status, queue_position, replayed } = handleOf(view, call.house.now());
      return { job_id, status, queue_position, replayed };
    });
    return succeed({ ok: true as const, jobs });
  },
});
