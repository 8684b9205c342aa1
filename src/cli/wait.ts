import { succeed } from '../errors.js';
import { jobWait } from '../operations/job-wait.js';
import { conclude } from './answer.js';
import { type Command, jsonFlag } from './command.js';
import { describeWait } from './describe-state.js';
import { exitCodes } from './exit-codes.js';
import { flagsOf } from './flags.js';
import { withDaemon } from './link.js';
import { checkInput, toInput } from './operation-command.js';
import { jsonDocument, print, printableValue } from './terminal.js';
import { type WaitAnswer, waitUntilSettled } from './wait-until-settled.js';

/** Without a limit of time unless one is given. */
const input = jobWait.input.extend({
  timeout_seconds: jobWait.input.shape.timeout_seconds.unwrap().optional(),
});

export const wait: Command = {
  name: jobWait.command,
  parameters: '[JOB...]',
  summary: 'Wait until any, or all, of the jobs named by id, group or label have ended.',
  details:
    'Without --timeout-seconds it waits as long as it takes. Ending the wait ends no job. Exits with 0 only if there are such jobs, the mode was met and every job that ended was done.',
  words: { atLeast: 0, atMost: 100 },
  flags: [...flagsOf(input, ['job_ids', 'workspace_root']), jsonFlag],
  async run(given) {
    const json = given.flags.json === true;
    const request = toInput(given, 'job_ids');
    const fits = checkInput(input, request);
    if (!fits.ok) return conclude(fits, json);
    const outcome = await withDaemon({ start: true }, async (link) => {
      const answer =
        given.flags.timeout_seconds === undefined
          ? await waitUntilSettled(link, request)
          : await link.call<WaitAnswer>(jobWait.tool, request);
      if (!answer.ok) return answer;
      await print(json ? jsonDocument(answer.value) : describeWait(printableValue(answer.value)));
      return succeed(isGood(answer.value) ? exitCodes.ok : exitCodes.refused);
    });
    return conclude(outcome, json);
  },
};

const BAD_STATUSES: readonly string[] = ['failed', 'cancelled', 'expired', 'unknown'];

const isGood = ({ jobs, timed_out: timedOut }: WaitAnswer) =>
  !timedOut && jobs.length > 0 && jobs.every(({ status }) => !BAD_STATUSES.includes(status));
