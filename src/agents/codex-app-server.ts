import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Settings } from '../config.js';
import { type Outcome, succeed } from '../errors.js';
import { JOB_MARKER } from '../job-marker.js';
import type { AgentBackend, HostedLaunch, Launch, LaunchJob } from './agent.js';
import { ceilingFor } from './ceiling.js';
import { askCodexAccount } from './codex-account.js';
import { codexEnvironment } from './codex-environment.js';
import { CodexReader } from './codex-events.js';
import { adoptThreads, makeCodexDirectories, tidyCodexHome } from './codex-home.js';
import { GO_ON, isTrusted, launchCodex, PINS, SWITCHED_OFF, workspaceWrite } from './codex-launch.js';
import { checkCodex } from './codex-preflight.js';
import { findCodex } from './codex-program.js';
import { readSpent } from './codex-thread.js';
import { type CodexUserConfig, readUserConfig } from './codex-user-config.js';

/** Backend that runs jobs in threads of a shared `codex app-server`: less memory for many, one crash for all of them. */
export const codexAppServer = (): AgentBackend => ({
  preflight: checkCodex,
  account: askCodexAccount,
  launch,
  adopt: adoptThreads,
  spent: readSpent,
  reader: () => new CodexReader(),
  tidy: tidyCodexHome,
});

/** Small heaps: a host only passes lines on. */
const NODE = [process.execPath, '--max-semi-space-size=1', '--max-old-space-size=128'] as const;
const hostEntry = fileURLToPath(new URL('../app-server-host.js', import.meta.url));

/** A job that lost its hosts this often may be the reason: it goes on by itself, where it takes no other along. */
const MOST_HOSTED_ATTEMPTS = 2;

async function launch(job: LaunchJob, settings: Settings): Promise<Outcome<Launch | HostedLaunch>> {
  const config = await readUserConfig(settings.codexHome);
  if (!canBeHosted(job, config)) return launchCodex(job, settings);
  const program = await findCodex(settings);
  if (!program.ok) return program;
  const command = [program.value, 'app-server', '--strict-config', ...configuration()] as const;
  const environmentIn = (home: string, temporary: string) =>
    codexEnvironment(settings.environment, { home, temporary }, config.credentials);
  const alike = environmentIn('', '');
  return succeed({
    hostKind: kindOf([command, alike.variables, settings.codexHome]),
    async launchHost(directory) {
      const made = await makeCodexDirectories(directory, settings.codexHome);
      if (!made.ok) return made;
      const { home, temporary } = made.value;
      return succeed({
        command: [...NODE, hostEntry, directory, home, ...command],
        input: '',
        environment: environmentIn(home, temporary).variables,
      });
    },
    job: hostedJob(job, settings, [...config.excluded, ...alike.secret]),
  });
}

/**
 * Hosts run jobs that write. What cannot be said for a thread alone is left to `codex exec`: another configuration
 * than the user's plain one, no trust in what the user trusts, MCP servers and commands that are known as the job's.
 */
function canBeHosted(job: LaunchJob, config: CodexUserConfig): boolean {
  const { kind, isolation, profile, extraSettings } = job.submission;
  return (
    kind === 'delegate' &&
    isolation === 'inherit' &&
    profile === null &&
    extraSettings.length === 0 &&
    job.attempt <= MOST_HOSTED_ATTEMPTS &&
    !config.ownProcess &&
    !isTrusted(job, config.projects)
  );
}

/** A turn says what its job may write. Codex adds what its configuration says, which must be nothing. */
const configuration = () => [
  ...[...PINS, workspaceWrite([], { temporary: false })].flatMap((pin) => ['-c', pin]),
  ...SWITCHED_OFF.flatMap((feature) => ['--disable', feature]),
];

function hostedJob(job: LaunchJob, settings: Settings, hidden: string[]): HostedLaunch['job'] {
  const temporary = join(job.jobDirectory, 'tmp');
  return {
    writable: [job.worktree, temporary],
    home: join(job.jobDirectory, 'codex'),
    threadId: job.threadId ?? job.submission.continues?.threadId ?? null,
    input: job.threadId === null ? job.task : GO_ON,
    model: job.submission.model ?? settings.model,
    effort: job.submission.reasoningEffort,
    variables: { [JOB_MARKER]: job.jobId, TMPDIR: temporary, ...ceilingFor(job.worktree) },
    hidden: [...new Set(hidden)],
  };
}

/** Hosts that were started otherwise, for example with a key that has changed since, are another kind. */
const kindOf = (parts: unknown) =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
