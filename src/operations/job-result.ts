import { z } from 'zod';
import { succeed } from '../errors.js';
import { anyWorkspace, jobId } from './fields.js';
import { defineOperation } from './operation.js';
import { readResult, jobResult as result } from './result.js';

/** Input of the two operations that hand out a result. */
export const resultInput = z.strictObject({
  job_id: jobId,
  detail: z.enum(['summary', 'full']).default('summary').describe('full adds the journal of the job.'),
  cursor: z
    .string()
    .max(200)
    .optional()
    .describe('next_cursor of the page before; the first page unless given.'),
  workspace_root: anyWorkspace,
});

export const jobResult = defineOperation({
  tool: 'codex_job_result',
  command: 'result',
  title: 'Read the result of a job',
  description:
    'Reads what an ended job left: the message of its agent, the patch with its changed files, tokens, timings, and for a job that was not done the error. ' +
    'Use it once codex_job_wait says that the job ended; before that it answers job_running. ' +
    'The patch comes in pages of at most 48 KiB: join the pages byte for byte while next_cursor is not null, then check it against patch_sha256 and try it with `git apply --check`. ' +
    'Failed, cancelled and expired jobs also have the patch so far. ' +
    'Reading changes nothing and can be repeated until the time to live has passed; to delete the job with the reading use codex_job_consume_result.',
  input: resultInput,
  output: z.object({ ok: z.literal(true), ...result.shape }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async handle(input, { house }) {
    const answer = await readResult(input, house);
    return answer.ok ? succeed({ ok: true as const, ...answer.value }) : answer;
  },
});
