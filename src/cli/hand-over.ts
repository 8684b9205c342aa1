import { randomUUID } from 'node:crypto';
import { type Outcome, succeed } from '../errors.js';
import type { JobHandle } from '../operations/handle.js';
import { jobResult } from '../operations/job-result.js';
import type { Operation } from '../operations/operation.js';
import type { JobResult } from '../operations/result.js';
import { conclude } from './answer.js';
import { type Command, type Flag, type Given, jsonFlag } from './command.js';
import { describeNextSteps, describeResult } from './describe-result.js';
import { exitCodes } from './exit-codes.js';
import { callWithKey, type Link, withDaemon } from './link.js';
import { checkInput } from './operation-command.js';
import { complain, jsonDocument, liveLine, print, printableValue } from './terminal.js';
import { waitUntilSettled } from './wait-until-settled.js';

const backgroundFlag: Flag = {
  name: 'background',
  key: 'background',
  kind: 'switch',
  placeholder: '',
  description: 'Print the id of the job at once and do not wait.',
};

interface HandOver extends Omit<Command, 'run'> {
  /** Starts the job and answers its handle. */
  operation: Operation;
  /** The operation's input, from what stands on the command line; not yet checked. */
  toInput(given: Given): Promise<Outcome<object>>;
}

/** A command that starts a job, waits for it as long as it takes, and shows its result. */
export function handOverCommand({ operation, toInput, ...command }: HandOver): Command {
  return {
    ...command,
    flags: [...command.flags, backgroundFlag, jsonFlag],
    async run({ words, flags }) {
      const { background, json, ...settings } = flags;
      const given = await toInput({ words, flags: settings });
      if (!given.ok) return conclude(given, json === true);
      const input = { idempotency_key: randomUUID(), ...given.value };
      const fits = checkInput(operation.input, input);
      if (!fits.ok) return conclude(fits, json === true);
      // From here on a first Ctrl-C waits until there is an id to come back with.
      const interrupted = new Promise<'interrupted'>((resolve) => {
        process.once('SIGINT', () => resolve('interrupted'));
      });
      const outcome = await withDaemon({ start: true }, async (link) => {
        const handle = await callWithKey<JobHandle>(link, operation.tool, input);
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
}

async function printHandle(handle: JobHandle, json: boolean): Promise<Outcome<number>> {
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
