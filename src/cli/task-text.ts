import type { Readable } from 'node:stream';
import { type Outcome, refuse, succeed } from '../errors.js';
import { MAX_TASK_BYTES } from '../operations/fields.js';

/**
 * The task: the word of the command line, or what comes on standard input for `-` or when something is piped
 * in. Reading stops soon after the limit of a task, which the operation then refuses.
 */
export async function readTask(
  word: string | undefined,
  input: Readable & { isTTY?: boolean },
): Promise<Outcome<string>> {
  if (word !== undefined && word !== '-') return succeed(word);
  if (word === undefined && input.isTTY) {
    return refuse('invalid_arguments', { message: 'There is no task: pass it as a word, or pipe it in.' });
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_TASK_BYTES)
      return refuse('input_too_large', { details: { limit_bytes: MAX_TASK_BYTES } });
  }
  try {
    return succeed(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch {
    return refuse('invalid_arguments', { message: 'The task on standard input is not UTF-8 text.' });
  }
}
