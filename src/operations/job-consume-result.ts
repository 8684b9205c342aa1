import { z } from 'zod';
import { refuse, succeed } from '../errors.js';
import { resultInput } from './job-result.js';
import { defineOperation } from './operation.js';
import { readResult } from './result.js';

export const jobConsumeResult = defineOperation({
  tool: 'codex_job_consume_result',
  command: 'consume',
  title: 'Take the result of a job and delete the job',
  description:
    'Reads the result of an ended job and then deletes the job with its patch and journal. ' +
    'Use it when the result is needed once; use codex_job_result to keep the job until its time to live has passed. ' +
    'The job is deleted only by the answer that holds the end of the patch; until then consumed is false, the job is kept, and the next call passes next_cursor. ' +
    'A result that cannot be read whole is never deleted, and a job that has not ended answers job_running. ' +
    'Deleting cannot be undone; a second call answers job_not_found.',
  input: resultInput,
  // The other fields are advertised in full by codex_job_result; a copy would only cost tokens.
  output: z.looseObject({
    ok: z.literal(true),
    consumed: z.boolean().describe('False: the job is kept; go on with next_cursor.'),
    next_cursor: z.string().nullable().describe('All other fields as codex_job_result.'),
  }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  async handle(input, { house }) {
    const answer = await readResult(input, house);
    if (!answer.ok) return answer;
    const { result, whole } = answer.value;
    // What was cut or withheld has not been delivered.
    const delivered = result.next_cursor === null && result.redacted.length === 0 && whole;
    // Somebody else may have taken it in between: then it was theirs.
    if (delivered && !(await house.supervisor.remove(input.job_id))) return refuse('job_not_found');
    return succeed({ ok: true as const, consumed: delivered, ...result });
  },
});
