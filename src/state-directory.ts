import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { type Outcome, refuse, succeed } from './errors.js';

/**
 * What must be known before anything else: where the configuration file and the state directory are. Apart from
 * the other settings, and without zod, because the bridge needs only this and has to start fast.
 */
export function findStateDirectory(environment: NodeJS.ProcessEnv = process.env): Outcome<string> {
  const file = readConfigFile(configFile(environment));
  if (!file.ok) return file;
  const { OFFSHOOT_STATE_DIR: variable } = environment;
  const stateDir = variable || (file.value.state_dir ?? defaultStateDirectory(environment));
  if (typeof stateDir === 'string' && isAbsolute(stateDir)) return succeed(stateDir);
  const name = variable ? 'OFFSHOOT_STATE_DIR' : 'the setting "state_dir"';
  return refuse('invalid_config', {
    message: `The value of ${name} is not valid: must be an absolute path.`,
  });
}

/** The variables `OFFSHOOT_…` of this process, settings or not. */
export function ownVariables(environment: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const named = Object.entries(environment).filter(([name]) => name.startsWith('OFFSHOOT_'));
  return Object.fromEntries(named) as Record<string, string>;
}

/** Where a daemon may run, whatever is wrong with the configuration: what cannot be read names no directory. */
export function likelyStateDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const found = findStateDirectory(environment);
  if (found.ok) return found.value;
  const { OFFSHOOT_STATE_DIR: named = '' } = environment;
  return isAbsolute(named) ? named : defaultStateDirectory(environment);
}

/** Makes the state directory and its `logs`, for their user alone, where they are not there. */
export function makeStateDirectory(stateDir: string): Outcome<null> {
  try {
    makePrivateDirectory(join(stateDir, 'logs'));
    return succeed(null);
  } catch (problem) {
    const { code = 'unknown', path = stateDir } = problem as NodeJS.ErrnoException;
    return refuse('daemon_unavailable', {
      message: `The directory ${path} cannot be made (${code}). Set OFFSHOOT_STATE_DIR to another place.`,
    });
  }
}

/**
 * Makes a directory, and those above it, for their user alone, where they are not there. Node's own `recursive` never
 * comes back where one cannot be made in a directory for ENOENT, as the system says below /proc.
 *
 * @throws what the system says when it cannot be made, or is something else.
 */
export function makePrivateDirectory(path: string): void {
  if (!existsSync(dirname(path))) makePrivateDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/** Path of the configuration file: `$XDG_CONFIG_HOME/offshoot/config.json`, or under `~/.config`. */
export function configFile(environment: NodeJS.ProcessEnv = process.env): string {
  const base = baseDirectory(environment.XDG_CONFIG_HOME, join(homeOf(environment), '.config'));
  return join(base, 'offshoot', 'config.json');
}

export function defaultStateDirectory(environment: NodeJS.ProcessEnv): string {
  return join(
    baseDirectory(environment.XDG_STATE_HOME, join(homeOf(environment), '.local', 'state')),
    'offshoot',
  );
}

/** One of the XDG Base Directory Specification, which has those ignored that are no absolute path. */
const baseDirectory = (named: string | undefined, otherwise: string): string =>
  named !== undefined && isAbsolute(named) ? named : otherwise;

/** What the configuration file holds; nothing if there is none. */
export function readConfigFile(path: string): Outcome<Record<string, unknown>> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return succeed({});
    return refuse('invalid_config', { message: `The configuration file ${path} cannot be read.` });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return succeed(value as Record<string, unknown>);
    }
  } catch {
    // Falls through: not JSON at all is told like JSON of another kind.
  }
  return refuse('invalid_config', { message: `The configuration file ${path} does not hold a JSON object.` });
}

export const homeOf = (environment: NodeJS.ProcessEnv): string => environment.HOME || homedir();
