import type { z } from 'zod';
import { counted } from '../counted.js';
import { succeed } from '../errors.js';
import { delegateAsync } from '../operations/delegate-async.js';
import { delegateDryRun } from '../operations/delegate-dry-run.js';
import { conclude } from './answer.js';
import { type Command, jsonFlag } from './command.js';
import { exitCodes } from './exit-codes.js';
import { flagsOf } from './flags.js';
import { inShell } from './in-shell.js';
import { columns } from './layout.js';
import { withDaemon } from './link.js';
import { checkInput } from './operation-command.js';
import { readTask } from './task-text.js';
import { jsonDocument, paint, print, printableValue } from './terminal.js';

type Answer = z.infer<typeof delegateDryRun.output>;

export const dryRun: Command = {
  name: delegateDryRun.command,
  parameters: '[TASK | -]',
  summary: 'Show what a job would start from, without starting it.',
  details: 'It takes the flags of delegate. No model is asked and nothing is spent.',
  words: { atLeast: 0, atMost: 1 },
  flags: [...flagsOf(delegateDryRun.input, ['task'], delegateAsync.input), jsonFlag],
  async run({ words, flags }) {
    const { json, ...settings } = flags;
    const task = await readTask(words[0], process.stdin);
    if (!task.ok) return conclude(task, json === true);
    const input = { ...settings, task: task.value };
    const fits = checkInput(delegateDryRun.input, input);
    if (!fits.ok) return conclude(fits, json === true);
    const outcome = await withDaemon({ start: true }, async (link) => {
      const answer = await link.call<Answer>(delegateDryRun.tool, input);
      if (!answer.ok) return answer;
      await print(json === true ? jsonDocument(answer.value) : describeDryRun(printableValue(answer.value)));
      return succeed(answer.value.ready ? exitCodes.ok : exitCodes.refused);
    });
    return conclude(outcome, json === true);
  },
};

function describeDryRun(answer: Answer): string {
  const { checkout, untracked, submodules, large_files: largeFiles, problem } = answer;
  const head = answer.ready ? paint('green', 'would be accepted') : paint('red', 'would be refused');
  const rows: [string, string][] = [
    ['baseline', answer.baseline_commit],
    ['uncommitted files', String(answer.uncommitted_files)],
    ['untracked files', `${untracked.taken} taken, ${untracked.left} left`],
    [
      'checkout',
      `${counted(checkout.files ?? 0, 'file')}, ${counted(checkout.bytes ?? 0, 'byte')}${answer.warm ? ', warm' : ''}`,
    ],
    ['submodules', `${submodules.present} present, ${submodules.missing} missing`],
    ['large files', `${largeFiles.present} present, ${largeFiles.missing} missing`],
    ['place in line', String(answer.queue_position)],
  ];
  return [
    head,
    ...(problem === null ? [] : [inShell(`${problem.message} ${problem.advice}`)]),
    ...columns(rows),
    ...answer.warnings.map((warning) => `note: ${warning}`),
    '',
  ].join('\n');
}
