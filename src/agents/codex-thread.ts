import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Usage } from '../../machines/job.js';
import { type Line, lineSplitter } from '../lines.js';
import { tokens } from './codex-event.js';
import { usageOf } from './codex-events.js';

/** The account in a thread's file, one line after each answer of the model (Codex 0.169). */
const account = z.object({
  type: z.literal('event_msg'),
  payload: z.object({ type: z.literal('token_count'), info: z.object({ total_token_usage: tokens }) }),
});

/**
 * What a thread has cost in all, by the last account in its file, `sessions/YYYY/MM/DD/rollout-…-<thread>.jsonl` of
 * the job's Codex home; also when Codex was stopped in the middle of a turn, and told nothing. Null when there is none.
 */
export async function readSpent(jobDirectory: string, threadId: string): Promise<Usage | null> {
  const sessions = join(jobDirectory, 'codex', 'sessions');
  const names = await readdir(sessions, { recursive: true }).catch(() => []);
  const name = names.find((each) => each.endsWith(`-${threadId}.jsonl`));
  if (name === undefined) return null;
  let spent: Usage | null = null;
  const read = (lines: readonly Line[]) => {
    for (const line of lines) spent = readAccount(line) ?? spent;
  };
  const splitter = lineSplitter();
  try {
    for await (const chunk of createReadStream(join(sessions, name))) read(splitter.push(chunk));
    read(splitter.end());
  } catch {
    // What could not be read to its end tells of a beginning only.
    return null;
  }
  return spent;
}

/** Null also for a line that is too long to be held: an account is short. */
function readAccount(line: Line): Usage | null {
  if (!('bytes' in line) || !line.bytes.includes('"token_count"')) return null;
  try {
    const { data } = account.safeParse(JSON.parse(line.bytes.toString('utf8')));
    return data === undefined ? null : usageOf({ usage: data.payload.info.total_token_usage });
  } catch {
    // The line that was being written when Codex was killed.
    return null;
  }
}
