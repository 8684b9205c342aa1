import { type Command, type Flag, jsonFlag } from './command.js';
import { exitCodes } from './exit-codes.js';
import { complain, liveLine, print } from './terminal.js';

const flag = (name: string, kind: Flag['kind'], placeholder: string, description: string): Flag => ({
  name,
  key: name,
  kind,
  placeholder,
  description,
});

export const bench: Command = {
  name: 'bench',
  parameters: '[SCENARIO...]',
  summary: 'Measure how much this machine can carry.',
  details:
    'Takes names of scenarios or parts of them; all run unless one is named. Every figure stands beside what the same work costs without Offshoot, measured in the same run. Daemons and repositories are made for it in the temporary directory, and removed.',
  words: { atLeast: 0, atMost: 50 },
  flags: [
    flag('list', 'switch', '', 'List the scenarios and run none.'),
    flag('quick', 'switch', '', 'Small numbers: a check that everything works, no measurement.'),
    flag('runs', 'number', 'N', 'Rounds of everything that is compared (default 7).'),
    flag('seed', 'number', 'N', 'Seed of all chance (default 1).'),
    flag(
      'repository',
      'text',
      'DIR',
      'Take a clone of this repository, where a scenario can, instead of made ones.',
    ),
    flag('agent', 'text', 'COMMAND', 'Have this command do the tasks instead of one that costs nothing.'),
    flag('peer', 'text', 'COMMAND', 'Put another MCP server with the same tools beside, over stdio.'),
    flag('baseline', 'text', 'FILE', 'Compare with what an earlier run printed with --json.'),
    flag('profile', 'text', 'DIR', 'Write CPU profiles there, one a thread.'),
    flag('report', 'switch', '', 'Write docs/performance.md, below the current directory.'),
    jsonFlag,
  ],
  async run({ words, flags }) {
    const { bench } = await import('../../bench/main.js');
    const request = {
      names: words,
      list: false,
      json: false,
      quick: false,
      report: false,
      ...flags,
    };
    const showFigures = (text: string) => {
      liveLine.clear();
      return print(text);
    };
    const end = await bench(request, showFigures, (text) => liveLine.show(text));
    if (end.kind !== 'misused') return end.kind === 'ok' ? exitCodes.ok : exitCodes.refused;
    await complain(`offshoot: ${end.message}\n`);
    return exitCodes.usage;
  },
};
