import type { z } from 'zod';
import { type Outcome, refuse, succeed } from '../errors.js';
import { describeIssues } from '../operations/describe-issues.js';
import type { Operation } from '../operations/operation.js';
import { conclude } from './answer.js';
import { type Command, type Given, jsonFlag } from './command.js';
import { exitCodes } from './exit-codes.js';
import { flagsOf } from './flags.js';
import { withDaemon } from './link.js';
import { jsonDocument, print, printableValue } from './terminal.js';

interface Rendering<Answer> {
  /** The property that the words of the command line become. */
  words?: 'job_id';
  /** Flags can say what the words would. */
  wordsMayLack?: boolean;
  summary: string;
  /** The answer for people, to whom these flags were given; its texts are printable already. */
  describe(answer: Answer, flags: Given['flags']): string;
  /** Whether the answer is a good one for the exit code; it is unless this says no. */
  good?(answer: Answer): boolean;
}

/** Renders an operation as a subcommand: one call, flags from its schema, the answer as text or as JSON. */
export function operationCommand<Answer>(
  operation: Operation,
  { words, wordsMayLack = false, summary, describe, good = () => true }: Rendering<Answer>,
): Command {
  return {
    name: operation.command,
    parameters: words === undefined ? '' : wordsMayLack ? '[JOB]' : 'JOB',
    summary,
    details: operation.description,
    words: words === undefined ? { atLeast: 0, atMost: 0 } : { atLeast: wordsMayLack ? 0 : 1, atMost: 1 },
    flags: [...flagsOf(operation.input, words === undefined ? [] : [words, 'workspace_root']), jsonFlag],
    async run(given) {
      const json = given.flags.json === true;
      const input = toInput(given, words);
      const fits = checkInput(operation.input, input);
      if (!fits.ok) return conclude(fits, json);
      const outcome = await withDaemon({ start: true }, async (link) => {
        const answer = await link.call<Answer>(operation.tool, input);
        if (!answer.ok) return answer;
        await print(json ? jsonDocument(answer.value) : describe(printableValue(answer.value), given.flags));
        return succeed(good(answer.value) ? exitCodes.ok : exitCodes.refused);
      });
      return conclude(outcome, json);
    },
  };
}

/** The operation's input: the flags, but for `--json`, and the words under their property. */
export function toInput({ flags, words }: Given, property?: 'job_id' | 'job_ids'): Record<string, unknown> {
  const { json: _, ...input } = flags;
  if (property === undefined || words.length === 0) return input;
  return { ...input, [property]: property === 'job_ids' ? words : words[0] };
}

/** Refuses an input that does not fit before a daemon is asked, or started. */
export function checkInput(schema: z.ZodType, input: unknown): Outcome<null> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return succeed(null);
  const fields = describeIssues(schema, input, parsed.error.issues);
  return refuse('invalid_arguments', { details: { fields } });
}
