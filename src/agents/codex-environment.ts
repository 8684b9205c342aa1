import { ceilingFor } from './ceiling.js';
import type { CodexDirectories } from './codex-home.js';

/** Variables of the user that an agent and its commands may see: where programs are, and how to talk. */
const SEEN =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|XDG_(CONFIG|CACHE|DATA)_HOME|(JAVA|CARGO|RUSTUP)_HOME|GO(PATH|ROOT)|NVM_DIR|PYENV_ROOT|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS)$/;
/** Variables for Codex alone: its commands have no network, and a proxy's URL may hold a password. */
const FOR_CODEX = /^(CODEX_API_KEY|OPENAI_API_KEY|CODEX_CA_CERTIFICATE|(HTTPS?|ALL|NO)_PROXY)$/i;

export interface CodexEnvironment {
  variables: Record<string, string>;
  /** Names that must not reach the commands that Codex runs. */
  secret: string[];
}

/**
 * The environment of a Codex process, picked from the user's by name: everything else stays out, above all
 * git's variables, those of a Codex that we may run inside, and other programs' keys.
 *
 * HOME is the user's: tools find their caches and settings there, and the sandbox lets commands only read it.
 */
export function codexEnvironment(
  user: Readonly<Record<string, string>>,
  directories: CodexDirectories,
  credentials: readonly string[],
  worktree?: string,
): CodexEnvironment {
  const isSecret = (name: string) => !SEEN.test(name) && (FOR_CODEX.test(name) || credentials.includes(name));
  const picked = Object.entries(user).filter(([name]) => SEEN.test(name) || isSecret(name));
  return {
    variables: {
      ...Object.fromEntries(picked),
      CODEX_HOME: directories.home,
      TMPDIR: directories.temporary,
      // Codex gives commands a socket as standard input. A bash that is no other shell's child takes this for
      // a remote login and reads ~/.bashrc first, which is slow and prints into the command's output.
      SHLVL: '1',
      ...(worktree === undefined ? {} : ceilingFor(worktree)),
    },
    secret: picked.map(([name]) => name).filter(isSecret),
  };
}
