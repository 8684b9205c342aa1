import type { LogEntry } from '../agents/log-entry.js';
import { succeed } from '../errors.js';
import { conclude } from './answer.js';
import type { Command } from './command.js';
import { exitCodes } from './exit-codes.js';
import { withDaemon } from './link.js';
import { paint, print, printable } from './terminal.js';

export const logs: Command = {
  name: 'logs',
  parameters: 'JOB',
  summary: "Show what a job's agent said and did, as readable lines.",
  words: { atLeast: 1, atMost: 1 },
  flags: [
    {
      name: 'follow',
      short: 'f',
      key: 'follow',
      kind: 'switch',
      placeholder: '',
      description: 'Go on until the job has ended.',
    },
  ],
  async run({ words, flags }) {
    const input = { job_id: words[0] ?? '', follow: flags.follow === true };
    const tell = entryTeller();
    const outcome = await withDaemon({ start: true }, async (link) => {
      const answer = await link.call('job.log', input, (report) => void print(tell(JSON.parse(report))));
      return answer.ok ? succeed(exitCodes.ok) : answer;
    });
    return conclude(outcome, false);
  },
};

/** Entries as lines. A command is told when it begins, and what it printed once it has ended. */
export function entryTeller(): (entry: LogEntry) => string {
  const told = new Set<string>();
  return ({ id, kind, text, output, state }) => {
    const again = told.has(id);
    told.add(id);
    const head = `${signs[kind]}${printable(text)}${state === 'failed' ? paint('red', ' (failed)') : ''}`;
    if (kind !== 'command') return again && state !== 'underway' ? '' : `${head}\n`;
    if (state === 'underway') return again ? '' : `${paint('bold', head)}\n`;
    const printed = printable(output).trimEnd();
    const lines = printed === '' ? [] : printed.split('\n').map((line) => paint('dim', `  ${line}`));
    const failed = state === 'failed' ? [paint('red', '  (failed)')] : [];
    return [...(again ? failed : [paint('bold', head)]), ...lines].map((line) => `${line}\n`).join('');
  };
}

const signs: Record<LogEntry['kind'], string> = {
  command: '$ ',
  message: '',
  files: 'edits ',
  thought: '… ',
  tool: 'calls ',
  trouble: '! ',
  turn: '— ',
  output: '',
};
