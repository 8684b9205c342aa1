import { answerInTime } from './answer-in-time.js';
import { defineOperation } from './operation.js';
import { advertisedElsewhere, consultWork, waitingConsultInput } from './reading-fields.js';
import { submitOne } from './submit-job.js';

export const consult = defineOperation({
  tool: 'codex_consult',
  command: 'consult',
  title: 'Ask Codex a question and wait',
  description:
    'Asks Codex a question about a git repository, or about none, and waits for the answer. ' +
    'Use it when nothing else can be done meanwhile; else codex_consult_async, which tells what is read, sent and spent. ' +
    'It answers as codex_job_result, or a handle when timeout_seconds pass; the job goes on.',
  input: waitingConsultInput,
  output: advertisedElsewhere,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  async handle({ timeout_seconds, ...input }, call) {
    const submitted = await submitOne(consultWork({ isolation: 'inherit', ...input }), call);
    return submitted.ok ? answerInTime(submitted.value, timeout_seconds, call) : submitted;
  },
});
