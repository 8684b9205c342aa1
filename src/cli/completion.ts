import { refuse } from '../errors.js';
import { conclude } from './answer.js';
import type { Command } from './command.js';
import { print } from './terminal.js';

type Commands = readonly Command[];

/** Scripts that make a shell complete commands and flags, by the shell's name. They need no daemon. */
const shells: Record<string, (commands: Commands) => string> = { bash, zsh, fish };

/** The command `completion`, for all the others. */
export function completion(others: Commands): Command {
  const self: Command = {
    name: 'completion',
    parameters: 'SHELL',
    summary: `Print a script for the completion of ${Object.keys(shells).join(', ')}.`,
    details:
      'bash: `eval "$(offshoot completion bash)"` in ~/.bashrc; zsh: the same in ~/.zshrc, after compinit; fish: `offshoot completion fish > ~/.config/fish/completions/offshoot.fish`.',
    words: { atLeast: 1, atMost: 1 },
    flags: [],
    async run({ words }) {
      const script = shells[words[0] ?? ''];
      if (script === undefined)
        return conclude(
          refuse('invalid_arguments', { message: `The shell is one of ${Object.keys(shells).join(', ')}.` }),
          false,
        );
      return print(script([...others, self]));
    },
  };
  return self;
}

const namesOf = (commands: Commands) => [...commands.map(({ name }) => name), 'help'].join(' ');
const flagsOf = ({ flags }: Command) => [...flags.map(({ name }) => `--${name}`), '--help'].join(' ');

function bash(commands: Commands): string {
  return `_offshoot() {
  local current=\${COMP_WORDS[COMP_CWORD]}
  local words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    words='${namesOf(commands)} --help --version'
  else
    case \${COMP_WORDS[1]} in
      help) words='${namesOf(commands)}' ;;
${commands.map((command) => `      ${command.name}) words='${flagsOf(command)}' ;;`).join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _offshoot offshoot
`;
}

/** zsh runs the completion of bash; what it lacks of it, bashcompinit brings. */
function zsh(commands: Commands): string {
  return `autoload -Uz bashcompinit && bashcompinit
${bash(commands)}`;
}

function fish(commands: Commands): string {
  const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = commands.flatMap(({ name, summary, flags }) => [
    `complete -c offshoot -n __fish_use_subcommand -f -a ${name} -d ${quote(summary)}`,
    ...flags.map(
      (flag) =>
        `complete -c offshoot -n '__fish_seen_subcommand_from ${name}' -l ${flag.name}${flag.short === undefined ? '' : ` -s ${flag.short}`}${flag.kind === 'switch' ? '' : ' -r'} -d ${quote(flag.description)}`,
    ),
  ]);
  return `${lines.join('\n')}\n`;
}
