import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { type Outcome, succeed } from '../errors.js';
import { delegate as delegateOperation } from '../operations/delegate.js';
import { delegateAsync } from '../operations/delegate-async.js';
import { jobResult } from '../operations/job-result.js';
import type { JobResult } from '../operations/result.js';
import { conclude } from './answer.js';
import { type Command, type Flag, jsonFlag } from './command.js';
import { describeNextSteps, describeResult } from './describe-result.js';
import { exitCodes } from './exit-codes.js';
import { flagsOf } from './flags.js';
import { type Link, withDaemon } from './link.js';
import { checkInput, reportUsage } from './operation-command.js';
import { readTask } from './task-text.js';
import { complain, jsonDocument, liveLine, print, printableValue } from './terminal.js';
import { waitUntilSettled } from './wait-until-settled.js';

const backgroundFlag: Flag = {
  name: 'background',
  key: 'background',
  kind: 'switch',
  placeholder: '',
  description: 'Print the id of the job at once and do not wait.',
};

type Handle = z.infer<typeof delegateAsync.output>;

export const delegate: Command = {
  name: delegateOperation.command,
  parameters: '[TASK | -]',
  summary: 'Hand a task to Codex, wait for it, and show what it changed.',
  details:
    'The task is one word (quote it), or comes on standard input. It waits as long as it takes; Ctrl-C ends the wait, not the job.',
  words: { atLeast: 0, atMost: 1 },
  flags: [...flagsOf(delegateAsync.input, ['task']), backgroundFlag, jsonFlag],
  async run({ words, flags }) {
    const { background, json, ...settings } = flags;
    const task = await readTask(words[0], process.stdin);
    if (!task.ok) return conclude(task, json === true);
    // With a key, a hand-over whose answer got lost can be made again without paying twice.
    const input = { idempotency_key: randomUUID(), ...settings, task: task.value };

    async function handOver(link: Link, input: object): Promise<Outcome<Handle>> {
      const handle = await link.call<Handle>(delegateAsync.tool, input);
      if (handle.ok || handle.fault.code !== 'daemon_unavailable') return handle;
      return link.call<Handle>(delegateAsync.tool, input);
    }
    const problem = checkInput(delegateAsync.input, input);
    if (problem !== null) return reportUsage(problem);
    // From here on a first Ctrl-C waits until there is an id to come back with.
    const interrupted = new Promise<'interrupted'>((resolve) => {
      process.once('SIGINT', () => resolve('interrupted'));
    });
    const outcome = await withDaemon({ start: true }, async (link) => {
      const handle = await handOver(link, input);
      if (!handle.ok) return handle;
      if (background === true) return printHandle(handle.value, json === true);
      const { job_id: jobId, status } = handle.value;
      liveLine.show(`${jobId}: ${status}`);
      const settled = await Promise.race([waitUntilSettled(link, { job_ids: [jobId] }), interrupted]);
      if (settled === 'interrupted') return leaveRunning(jobId);
      return settled.ok ? showResult(link, jobId, json === true) : settled;
    });
    return conclude(outcome, json === true);
  },
};

async function printHandle(handle: Handle, json: boolean): Promise<Outcome<number>> {
  await print(json ? jsonDocument(handle) : `${handle.job_id}\n`);
  return succeed(exitCodes.ok);
}

async function showResult(link: Link, jobId: string, json: boolean): Promise<Outcome<number>> {
  const result = await link.call<JobResult>(jobResult.tool, { job_id: jobId });
  if (!result.ok) return result;
  const answer = printableValue(result.value);
  await print(json ? jsonDocument(result.value) : describeResult(answer) + describeNextSteps(answer));
  return succeed(result.value.status === 'done' ? exitCodes.ok : exitCodes.refused);
}

async function leaveRunning(jobId: string): Promise<never> {
  liveLine.clear();
  const ways = [`wait ${jobId}`, `result ${jobId}`, `cancel ${jobId}`].map((way) => `  offshoot ${way}\n`);
  await complain(`\nThe job goes on. Wait for it again, show its result, or end it:\n${ways.join('')}`);
  process.exit(exitCodes.refused);
}
