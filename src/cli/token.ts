import { type Outcome, refuse, succeed } from '../errors.js';
import { DEFAULT_TOKEN_NAME, ensureToken, isTokenName, revokeToken, tokenNames } from '../http/tokens.js';
import { findStateDirectory } from '../state-directory.js';
import { conclude } from './answer.js';
import type { Command, Given } from './command.js';
import { exitCodes } from './exit-codes.js';
import { print } from './terminal.js';

export const token: Command = {
  name: 'token',
  parameters: '',
  summary: 'Print the bearer token for HTTP; it is made when it is first asked for.',
  details:
    'Clients of `offshoot daemon --http` send it as `Authorization: Bearer TOKEN`. A revoked token is refused from the next request on, and what it has open is ended within half a minute.',
  words: { atLeast: 0, atMost: 0 },
  flags: [
    {
      name: 'name',
      key: 'name',
      kind: 'text',
      placeholder: 'NAME',
      description: `Name of the token, in lower-case letters, digits and dashes (default ${DEFAULT_TOKEN_NAME}).`,
    },
    {
      name: 'list',
      key: 'list',
      kind: 'switch',
      placeholder: '',
      description: 'Print the names of all tokens.',
    },
    { name: 'revoke', key: 'revoke', kind: 'text', placeholder: 'NAME', description: 'Revoke a token.' },
  ],
  async run({ flags }) {
    return conclude(await manage(flags), false);
  },
};

async function manage(flags: Given['flags']): Promise<Outcome<number>> {
  if (Object.keys(flags).length > 1)
    return wrong('Only one of --name, --list and --revoke can be used at once.');
  const name = String(flags.name ?? flags.revoke ?? DEFAULT_TOKEN_NAME);
  if (!isTokenName(name)) return wrong('A name is up to 32 lower-case letters, digits and dashes.');
  const found = findStateDirectory();
  if (!found.ok) return found;
  const stateDir = found.value;
  try {
    if (flags.list === true)
      await print(
        tokenNames(stateDir)
          .map((each) => `${each}\n`)
          .join(''),
      );
    else if (flags.revoke === undefined) await print(`${ensureToken(stateDir, name)}\n`);
    else return await revoke(stateDir, name);
    return succeed(exitCodes.ok);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    return refuse('store_unavailable', { message: `The tokens cannot be written (${code}).` });
  }
}

async function revoke(stateDir: string, name: string): Promise<Outcome<number>> {
  if (!revokeToken(stateDir, name)) return wrong('There is no such token.');
  await print('The token is revoked.\n');
  return succeed(exitCodes.ok);
}

const wrong = (message: string) => refuse('invalid_arguments', { message });
