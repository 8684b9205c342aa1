import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { nearest } from '../nearest.js';
import type { Command, Flag, Given } from './command.js';

type Parsed = ({ ok: true } & Given) | { ok: false; message: string };

/** Reads what stands after a command's name. Refuses unknown flags, missing values and too many words. */
export function parseParameters(command: Command, parameters: readonly string[]): Parsed {
  const { tokens } = parseArgs({
    args: [...parameters],
    options: Object.fromEntries(
      command.flags.map(({ name, kind, short }) => [name, { type: typeOf(kind), ...(short && { short }) }]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const words: string[] = [];
  const flags: Record<string, string | number | true | string[]> = {};
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = command.flags.find(
      ({ name, short }) => name === token.name && [`--${name}`, `-${short}`].includes(token.rawName),
    );
    if (flag === undefined) return refuseFlag(command, token.name);
    const value = flagValue(flag, token.value, token.inlineValue ?? false);
    if (typeof value === 'object') return { ok: false, message: value.problem };
    const earlier = flags[flag.key];
    flags[flag.key] = flag.kind === 'list' ? [...(Array.isArray(earlier) ? earlier : []), `${value}`] : value;
  }
  const { atLeast, atMost } = command.words;
  if (words.length < atLeast) return { ok: false, message: `${command.name} needs ${command.parameters}.` };
  if (words.length > atMost) return { ok: false, message: `${command.name} got more words than it takes.` };
  return { ok: true, words, flags };
}

const typeOf = (kind: Flag['kind']) => (kind === 'switch' ? 'boolean' : 'string');

function flagValue({ name, kind }: Flag, value: string | undefined, inline: boolean) {
  if (kind === 'switch') return value === undefined ? true : { problem: `--${name} takes no value.` };
  if (value === undefined || (!inline && value.startsWith('--')))
    return { problem: `--${name} needs a value.` };
  if (kind === 'text' || kind === 'list') return value;
  if (kind === 'directory') return resolve(value);
  return /^-?\d{1,15}$/.test(value) ? Number(value) : { problem: `--${name} needs a whole number.` };
}

function refuseFlag(command: Command, name: string): Parsed {
  const known = [...command.flags.map((flag) => flag.name), 'help'];
  const match = nearest(name, known);
  const hint = match === null ? '.' : `; did you mean --${match}?`;
  return { ok: false, message: `${command.name} has no such flag${hint}` };
}
