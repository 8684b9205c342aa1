import { succeed } from '../errors.js';
import { handleOf } from './handle.js';
import { defineOperation } from './operation.js';
import { advertisedElsewhere, consultInput, consultWork } from './reading-fields.js';
import { submitOne } from './submit-job.js';

export const consultAsync = defineOperation({
  tool: 'codex_consult_async',
  command: 'consult --background',
  title: 'Ask Codex a question in the background',
  description:
    'Asks Codex a question about a git repository, or about none, in the background, and returns a job id at once. ' +
    'Use it for explanations and second opinions; codex_consult waits, codex_delegate_async changes files. ' +
    'Codex reads a private copy, untracked files too, in a read-only sandbox without network; it can read what the user can, sends it to the model and spends tokens. ' +
    'codex_job_result then has prose in summary, findings in answer and no patch; else all is as with codex_delegate_async.',
  input: consultInput,
  output: advertisedElsewhere,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  async handle(input, call) {
    const submitted = await submitOne(consultWork(input), call);
    if (!submitted.ok) return submitted;
    return succeed({ ok: true as const, ...handleOf(submitted.value, call.house.now()) });
  },
});
