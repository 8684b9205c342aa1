import type { Readable } from 'node:stream';
import { type Outcome, refuse, succeed } from '../errors.js';
import { MAX_TASK_BYTES } from '../operations/fields.js';

/**
 * The task: the word of the command line, or what comes on standard input for `-` or when something is piped in.
 */
export async function readTask(
  word: string | undefined,
  input: Readable & { isTTY?: boolean },
): Promise<Outcome<string>> {
  if (word !== undefined && word !== '-') return succeed(word);
  if (word === undefined && input.isTTY) {
    return refuse('invalid_arguments', { message: 'There is no task: pass it as a word, or pipe it in.' });
  }
  return readText(input, MAX_TASK_BYTES);
}

const TOO_LARGE = 'What was read is larger than the limit.';

/** All of a stream, as text. Reading stops soon after `limitBytes`; rejects with what the stream breaks with. */
export async function readText(input: Readable, limitBytes: number): Promise<Outcome<string>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > limitBytes)
      return refuse('input_too_large', { message: TOO_LARGE, details: { limit_bytes: limitBytes } });
  }
  try {
    return succeed(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch {
    return refuse('invalid_arguments', { message: 'What was read is not UTF-8 text.' });
  }
}
