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
  raw: z.boolean().default(false).describe('The exact patch, secrets included.'),
  workspace_root: anyWorkspace,
});

const viewInput = resultInput.extend({
  path: z.string().max(4_096).optional().describe('Only this file of the patch.'),
});

export const jobResult = defineOperation({
  tool: 'codex_job_result',
  command: 'result',
  title: 'Read the result of a job',
  description:
    'Reads what an ended job left: the message of its agent, the patch, changed files, tokens, timings, and why it was not done. ' +
    'Use it once codex_job_wait says that the job ended; before that it answers job_running. ' +
    'The patch comes in pages of at most 48 KiB: join them byte for byte while next_cursor is not null, then try it with `git apply --check`. Secrets are masked or files withheld, as redacted tells; with raw it is exact, as patch_sha256 and patch_bytes have it. ' +
    'Failed, cancelled and expired jobs also have the patch so far. ' +
    'Reading changes nothing and can be repeated until the time to live has passed; to delete the job with the reading use codex_job_consume_result.',
  input: viewInput,
  output: z.object({ ok: z.literal(true), ...result.shape }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async handle(input, { house }) {
    const answer = await readResult(input, house);
    return answer.ok ? succeed({ ok: true as const, ...answer.value.result }) : answer;
  },
});
