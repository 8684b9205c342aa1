import { dirname } from 'node:path';
import type { Context } from '../scenario.js';

/** An agent that costs next to nothing: takes its task with what the shell has built in, edits one file. */
const FREE_AGENT = 'while read -r line; do :; done; echo edited >>offshoot-bench.txt';

export const agentOf = ({ agent }: Pick<Context, 'agent'>): string => agent ?? FREE_AGENT;

/** The user's own agent gets the user's environment; ours needs nothing of it. */
export function baseEnvironment(context: Pick<Context, 'agent'>, home: string): Record<string, string> {
  if (context.agent !== null) return wholeEnvironment();
  return {
    PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    HOME: home,
    GIT_AUTHOR_NAME: 'Bench',
    GIT_AUTHOR_EMAIL: 'bench@example.invalid',
    GIT_COMMITTER_NAME: 'Bench',
    GIT_COMMITTER_EMAIL: 'bench@example.invalid',
  };
}

/** What this process was started with, without settings that would lead a daemon elsewhere. */
export function wholeEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('OFFSHOOT_'),
    ),
  );
}
