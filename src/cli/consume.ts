import { type Outcome, succeed } from '../errors.js';
import { jobConsumeResult } from '../operations/job-consume-result.js';
import type { JobResult } from '../operations/result.js';
import { conclude } from './answer.js';
import { type Command, jsonFlag } from './command.js';
import { describeResult } from './describe-result.js';
import { exitCodes } from './exit-codes.js';
import { flagsOf } from './flags.js';
import { type Link, withDaemon } from './link.js';
import { checkInput, toInput } from './operation-command.js';
import { readWholePatch } from './patch-pages.js';
import { complain, jsonDocument, print, printableValue } from './terminal.js';

type Consumed = JobResult & { consumed: boolean };

export const consume: Command = {
  name: jobConsumeResult.command,
  parameters: 'JOB',
  summary: 'Take the result of an ended job and delete the job.',
  details:
    'The patch goes to standard output, the rest to standard error; the job is deleted once the whole patch is written. With --json it is one call of the operation, which the other flags are for, and `consumed` tells whether the job is gone.',
  words: { atLeast: 1, atMost: 1 },
  flags: [...flagsOf(jobConsumeResult.input, ['job_id', 'workspace_root']), jsonFlag],
  async run(given) {
    const json = given.flags.json === true;
    const input = toInput(given, 'job_id');
    const fits = checkInput(jobConsumeResult.input, input);
    if (!fits.ok) return conclude(fits, json);
    const outcome = await withDaemon({ start: true }, (link) =>
      json ? consumePage(link, input) : consumeWhole(link, given.words[0] ?? ''),
    );
    return conclude(outcome, json);
  },
};

async function consumePage(link: Link, input: object): Promise<Outcome<number>> {
  const answer = await link.call<Consumed>(jobConsumeResult.tool, input);
  if (!answer.ok) return answer;
  await print(jsonDocument(answer.value));
  return exitCode(answer.value.status);
}

async function consumeWhole(link: Link, jobId: string): Promise<Outcome<number>> {
  const read = await readWholePatch(link, jobId, print);
  if (!read.ok) return read;
  const { first, lastCursor } = read.value;
  await complain(describeResult(printableValue(first)));
  const cursor = lastCursor === undefined ? {} : { cursor: lastCursor };
  const consumed = await link.call<Consumed>(jobConsumeResult.tool, { job_id: jobId, raw: true, ...cursor });
  if (!consumed.ok) return consumed;
  if (!consumed.value.consumed)
    await complain('The job is kept, for not all of its result could be shown.\n');
  return exitCode(first.status);
}

const exitCode = (status: string) => succeed(status === 'done' ? exitCodes.ok : exitCodes.refused);
