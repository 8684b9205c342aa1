import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { z } from 'zod';
import { type Outcome, refuse, succeed } from '../errors.js';
import { MAXIMUM_LINE_BYTES } from '../lines.js';
import { delegateAsync } from '../operations/delegate-async.js';
import { delegateBatch } from '../operations/delegate-batch.js';
import { conclude } from './answer.js';
import { type Command, jsonFlag } from './command.js';
import { exitCodes } from './exit-codes.js';
import { flagsOf } from './flags.js';
import { callWithKey, withDaemon } from './link.js';
import { checkInput } from './operation-command.js';
import { readText } from './task-text.js';
import { jsonDocument, print } from './terminal.js';

type Answer = z.infer<typeof delegateBatch.output>;

export const batch: Command = {
  name: delegateBatch.command,
  parameters: 'FILE | -',
  summary: 'Hand many tasks to Codex, one a line, and print the ids of their jobs.',
  details: 'All tasks are accepted, or none. Blank lines are passed over; - reads standard input.',
  words: { atLeast: 1, atMost: 1 },
  flags: [...flagsOf(delegateBatch.input, ['tasks'], delegateAsync.input), jsonFlag],
  async run({ words, flags }) {
    const { json, ...settings } = flags;
    const lines = await readLines(words[0] ?? '-');
    if (!lines.ok) return conclude(lines, json === true);
    const tasks = lines.value.map((task) => ({ task }));
    const input = { idempotency_key: randomUUID(), ...settings, tasks };
    const fits = checkInput(delegateBatch.input, input);
    if (!fits.ok) return conclude(fits, json === true);
    const outcome = await withDaemon({ start: true }, async (link) => {
      const answer = await callWithKey<Answer>(link, delegateBatch.tool, input);
      if (!answer.ok) return answer;
      const ids = answer.value.jobs.map(({ job_id: id }) => `${id}\n`).join('');
      await print(json === true ? jsonDocument(answer.value) : ids);
      return succeed(exitCodes.ok);
    });
    return conclude(outcome, json === true);
  },
};

async function readLines(file: string): Promise<Outcome<string[]>> {
  try {
    const text = await readText(file === '-' ? process.stdin : createReadStream(file), MAXIMUM_LINE_BYTES);
    return text.ok ? succeed(text.value.split(/\r?\n/).filter((line) => line.trim() !== '')) : text;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return refuse('invalid_arguments', { message: `The file of tasks cannot be read (${code}).` });
  }
}
