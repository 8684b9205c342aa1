import { randomBytes, timingSafeEqual } from 'node:crypto';
import { linkSync, readdirSync, readFileSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateDirectory } from '../state-directory.js';

/**
 * Bearer tokens: `offshoot_NAME_SECRET`, one file a token (mode 0600) below the state directory. A token says
 * which file it has to be equal to, so a check looks at that one file, and a token that was revoked is refused from
 * then on, whichever process revoked it.
 */
const FORM = /^offshoot_([a-z0-9][a-z0-9-]{0,31})_([A-Za-z0-9_-]{43})$/;
const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
const SECRET_BYTES = 32;

export const DEFAULT_TOKEN_NAME = 'default';

const directoryOf = (stateDir: string) => join(stateDir, 'tokens');

/** Names are up to 32 lower-case letters, digits and dashes. */
export const isTokenName = (name: string): boolean => NAME.test(name);

/** The token of a name; made the first time it is asked for. */
export function ensureToken(stateDir: string, name: string): string {
  const directory = directoryOf(stateDir);
  makePrivateDirectory(directory);
  const path = join(directory, name);
  const made = join(directory, `.${name}.${process.pid}`);
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  writeFileSync(made, `offshoot_${name}_${secret}\n`, { mode: 0o600 });
  try {
    // Fails if the token is there already: then that one counts, whoever made it.
    linkSync(made, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(made, { force: true });
  }
  return readFileSync(path, 'utf8').trim();
}

/** Names of all tokens, sorted. */
export function tokenNames(stateDir: string): string[] {
  try {
    return readdirSync(directoryOf(stateDir)).filter(isTokenName).sort();
  } catch {
    return [];
  }
}

/** False if there is no token of that name. */
export function revokeToken(stateDir: string, name: string): boolean {
  if (!tokenNames(stateDir).includes(name)) return false;
  rmSync(join(directoryOf(stateDir), name), { force: true });
  return true;
}

/** Name of the token that a client presents, or null if it is none of ours. */
export function nameOfToken(stateDir: string, presented: string): string | null {
  const name = FORM.exec(presented)?.[1];
  if (name === undefined) return null;
  try {
    // Throws on different lengths: tokens of one name are of one length.
    return timingSafeEqual(keptToken(join(directoryOf(stateDir), name)), Buffer.from(presented))
      ? name
      : null;
  } catch {
    return null;
  }
}

/** What was read of token files, with what the file was then: a client presents its token with each request. */
const read = new Map<string, { file: Stats; token: Buffer }>();
/** A file that was changed this short a time ago may change again and look the same, in milliseconds. */
const SETTLED_MS = 1_000;

/** The token that a file holds; throws when there is none. */
function keptToken(path: string): Buffer {
  const file = statSync(path, { throwIfNoEntry: false });
  const before = read.get(path);
  if (file !== undefined && before !== undefined && isSame(file, before.file)) return before.token;
  read.delete(path);
  const token = Buffer.from(readFileSync(path, 'utf8').trim());
  if (file !== undefined && Date.now() - file.ctimeMs > SETTLED_MS) read.set(path, { file, token });
  return token;
}

const isSame = (one: Stats, other: Stats): boolean =>
  one.ino === other.ino &&
  one.size === other.size &&
  one.mtimeMs === other.mtimeMs &&
  one.ctimeMs === other.ctimeMs;
