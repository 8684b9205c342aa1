import { succeed } from '../errors.js';
import { consult as consultOperation } from '../operations/consult.js';
import { consultAsync } from '../operations/consult-async.js';
import { delegateAsync } from '../operations/delegate-async.js';
import { flagsOf } from './flags.js';
import { handOverCommand } from './hand-over.js';
import { readTask } from './task-text.js';

export const consult = handOverCommand({
  name: consultOperation.command,
  operation: consultAsync,
  parameters: '[QUESTION | -]',
  summary: 'Ask Codex a question and show its answer.',
  details:
    'The question is one word (quote it), or comes on standard input. It is about the repository around the working directory, if there is one; nothing is changed.',
  words: { atLeast: 0, atMost: 1 },
  flags: flagsOf(consultAsync.input, ['question'], delegateAsync.input),
  async toInput({ words, flags }) {
    const question = await readTask(words[0], process.stdin);
    return question.ok ? succeed({ ...flags, question: question.value }) : question;
  },
});
