import type { Command, Flag } from './command.js';
import { inShell } from './in-shell.js';
import { columns, wrap } from './layout.js';

const HELP: Flag = { name: 'help', key: '', kind: 'switch', placeholder: '', description: 'Show this help.' };

/** What `offshoot --help` prints. */
export function generalHelp(commands: readonly Command[]): string {
  return [
    'Hand coding tasks to Codex in the background and get patches back to review.',
    '',
    'Usage: offshoot COMMAND [FLAGS]',
    '',
    'Commands:',
    ...columns(commands.map(({ name, parameters, summary }) => [`${name} ${parameters}`.trimEnd(), summary])),
    '',
    'Flags:',
    ...columns([
      ['--help', 'Show this help; `offshoot help COMMAND` shows that of one command.'],
      ['--version', 'Show the version.'],
    ]),
    '',
    'Exit codes: 0 all well; 1 refused, or a job did not end as done; 2 wrong usage.',
    '',
  ].join('\n');
}

/** What `offshoot help COMMAND` prints. */
export function helpFor(command: Command): string {
  const { name, parameters, summary, details, flags } = command;
  return [
    ...wrap(summary),
    '',
    `Usage: offshoot ${name} [FLAGS] ${parameters}`.trimEnd(),
    '',
    'Flags:',
    ...columns([...flags, HELP].map((flag) => [flagText(flag), inShell(flag.description)])),
    ...(details === undefined ? [] : ['', ...wrap(inShell(details))]),
    '',
  ].join('\n');
}

const flagText = ({ name, short, placeholder }: Flag) =>
  `${short === undefined ? '' : `-${short}, `}--${name} ${placeholder}`.trimEnd();
