import type { Settings } from '../config.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import type { Readiness } from './agent.js';
import { tellsSandboxFailure } from './codex-failures.js';
import { inPrivateHome } from './codex-private-home.js';
import type { CodexUserConfig } from './codex-user-config.js';
import { type Probe, type ProbeOptions, probe } from './probe.js';

/**
 * The Codex that the launch line was tried with, and one too old to have most of it. The number alone refuses none: what
 * a Codex does not know of a job's arguments it refuses itself, before it asks the model.
 */
const TRIED = [0, 169] as const;
const OLDEST = [0, 100] as const;

/**
 * Looks whether `codex exec` could do a job: program, version, login, sandbox, all at once, within 10 s.
 * Every check runs as a job would, in a private home that is removed again.
 */
export const checkCodex = (settings: Settings, signal: AbortSignal): Promise<Outcome<Readiness>> =>
  inPrivateHome(settings, signal, async ({ program, user, options }) =>
    judge(program, await runProbes(program, options), settings, user),
  );

interface Probes {
  version: Probe;
  login: Probe;
  sandbox: Probe;
}

async function runProbes(program: string, options: ProbeOptions): Promise<Probes> {
  const [version, login, sandbox] = await Promise.all([
    probe(program, ['--version'], options),
    probe(program, ['login', 'status'], options),
    probe(program, ['sandbox', '-c', 'sandbox_mode="workspace-write"', '--', 'true'], options),
  ]);
  return { version, login, sandbox };
}

function judge(
  program: string,
  probes: Probes,
  settings: Settings,
  user: CodexUserConfig,
): Outcome<Readiness> {
  const version = versionOf(probes.version);
  const sandbox = sandboxWorks(probes.sandbox);
  if (version !== null && isBelow(version, OLDEST) && sandbox !== true) {
    return refuse('codex_unsupported', { message: `Codex CLI ${version[0]} is too old for Offshoot.` });
  }
  const loggedIn = isLoggedIn(probes.login);
  const needsNoLogin = user.ownProvider || Boolean(settings.environment.CODEX_API_KEY);
  if (loggedIn === false && !needsNoLogin) return refuse('codex_auth_required');
  if (sandbox === false) return refuse('sandbox_unavailable');
  const notes = [
    version === null && 'The version of Codex could not be found out.',
    version !== null &&
      isBelow(version, TRIED) &&
      `Offshoot was tried with Codex CLI ${TRIED.join('.')}.0 or newer.`,
    loggedIn === null && 'Whether Codex is logged in could not be found out.',
    loggedIn === false && needsNoLogin && 'Codex is not logged in; another credential is configured.',
    sandbox === null && "Whether Codex's sandbox works could not be found out.",
  ].filter((note) => note !== false);
  return succeed({ program, version: version?.[0] ?? null, loggedIn, sandbox, notes });
}

/** Null also for 0.0.0, as a Codex that was built from its sources calls itself, however new it is. */
function versionOf({ output }: Probe): RegExpExecArray | null {
  const version = /\b(\d+)\.(\d+)\.(\d+)\S*/.exec(output);
  return version?.slice(1, 4).every((part) => Number(part) === 0) ? null : version;
}

function isBelow(version: RegExpExecArray, [major, minor]: readonly [number, number]): boolean {
  const found = Number(version[1]);
  return found < major || (found === major && Number(version[2]) < minor);
}

function isLoggedIn({ status, output }: Probe): boolean | null {
  if (/^not logged in/im.test(output)) return false;
  return status === 0 && /^(logged in|api key configured)/im.test(output) ? true : null;
}

function sandboxWorks({ status, output }: Probe): boolean | null {
  if (status === 0) return true;
  return tellsSandboxFailure(output) ? false : null;
}
