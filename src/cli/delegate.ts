import { succeed } from '../errors.js';
import { delegate as delegateOperation } from '../operations/delegate.js';
import { delegateAsync } from '../operations/delegate-async.js';
import { flagsOf } from './flags.js';
import { handOverCommand } from './hand-over.js';
import { readTask } from './task-text.js';

export const delegate = handOverCommand({
  name: delegateOperation.command,
  operation: delegateAsync,
  parameters: '[TASK | -]',
  summary: 'Hand a task to Codex, wait for it, and show what it changed.',
  details:
    'The task is one word (quote it), or comes on standard input. It waits as long as it takes; Ctrl-C ends the wait, not the job.',
  words: { atLeast: 0, atMost: 1 },
  flags: flagsOf(delegateAsync.input, ['task']),
  async toInput({ words, flags }) {
    const task = await readTask(words[0], process.stdin);
    return task.ok ? succeed({ ...flags, task: task.value }) : task;
  },
});
