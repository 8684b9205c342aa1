import { misspeltVariables } from '../config.js';
import { refuse } from '../errors.js';
import { nearest } from '../nearest.js';
import { version } from '../version.js';
import { conclude } from './answer.js';
import { type Command, jsonFlag } from './command.js';
import { exitCodes } from './exit-codes.js';
import { generalHelp, helpFor } from './help.js';
import { parseParameters } from './parameters.js';
import { complain, print, printable, surviveBrokenPipe } from './terminal.js';

/** Runs one command line, without the program's name; resolves with the exit code. */
export async function main(parameters: readonly string[]): Promise<number> {
  surviveBrokenPipe();
  const [name, ...rest] = parameters;
  if (name === '--version') return print(`${version}\n`);
  const { commands } = await import('./commands.js');
  if (name === undefined) return usageError('Name a command.');
  if (name === '--help' || name === '-h') return print(generalHelp(commands));
  if (name === 'help') return help(commands, rest[0]);
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) return unknownCommand(commands, name);
  if (asksForHelp(rest)) return print(helpFor(command));
  const parsed = parseParameters(command, rest);
  if (!parsed.ok) return refuseParameters(command, rest, parsed.message);
  // The doctor tells of them among its findings.
  if (command.name !== 'doctor') await noteMisspeltVariables();
  return command.run(parsed);
}

/** What stands behind `--` are words, whatever they look like. */
const beforeWords = (parameters: readonly string[]): readonly string[] => {
  const end = parameters.indexOf('--');
  return parameters.slice(0, end < 0 ? undefined : end);
};

const asksForHelp = (parameters: readonly string[]): boolean =>
  beforeWords(parameters).some((each) => each === '--help' || each === '-h');

/** Who asks for JSON gets it, whatever else the parameters are. */
function refuseParameters(command: Command, parameters: readonly string[], message: string): Promise<number> {
  const json = command.flags.includes(jsonFlag) && beforeWords(parameters).includes('--json');
  return json ? conclude(refuse('invalid_arguments', { message }), json) : usageError(message, command.name);
}

async function noteMisspeltVariables(): Promise<void> {
  for (const { variable, meant } of misspeltVariables()) {
    await complain(`note: ${printable(variable)} is no setting; did you mean ${meant}?\n`);
  }
}

function help(commands: readonly Command[], name: string | undefined): Promise<number> {
  if (name === undefined) return print(generalHelp(commands));
  const command = commands.find((candidate) => candidate.name === name);
  return command === undefined ? unknownCommand(commands, name) : print(helpFor(command));
}

function unknownCommand(commands: readonly Command[], name: string): Promise<number> {
  const names = [...commands.map((command) => command.name), 'help'];
  const match = nearest(name, names);
  return usageError(
    match === null ? 'There is no such command.' : `There is no such command; did you mean ${match}?`,
  );
}

async function usageError(message: string, command?: string): Promise<number> {
  const more = command === undefined ? 'offshoot --help' : `offshoot help ${command}`;
  await complain(`offshoot: ${message}\nSee \`${more}\`.\n`);
  return exitCodes.usage;
}
