import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '../config.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import type { Launch, LaunchJob } from './agent.js';
import { answerSchema, type ReadingKind } from './answer.js';
import { codexEnvironment } from './codex-environment.js';
import { makeCodexDirectories } from './codex-home.js';
import { findCodex } from './codex-program.js';
import { emptyUserConfig, profileFile, readUserConfig } from './codex-user-config.js';

/** Features that contact others by themselves, cost start-up time, or have no place in a background job. */
export const SWITCHED_OFF = [
  'plugins',
  'remote_plugin',
  'apps',
  'shell_snapshot',
  'goals',
  'memories',
  'image_generation',
  // Else a model that cannot be reached is asked for ever.
  'unbounded_connection_retries',
];

export const GO_ON = 'The connection to the model broke off. Go on with the task where you left it.';

/** Says how to start `codex exec` for a job, or how to go on in its thread; the prompt is read from standard input. */
export async function launchCodex(job: LaunchJob, settings: Settings): Promise<Outcome<Launch>> {
  const program = await findCodex(settings);
  if (!program.ok) return program;
  const { isolation, kind, profile } = job.submission;
  if (profile !== null && !(await isThere(join(settings.codexHome, profileFile(profile)))))
    return refuse('codex_config_rejected', { message: `There is no profile "${profile}" in Codex's home.` });
  const directories = await makeCodexDirectories(job.jobDirectory, settings.codexHome, profile);
  if (!directories.ok) return directories;

  const threadId = job.threadId ?? job.submission.continues?.threadId ?? null;
  const form = kind === 'delegate' ? [] : await answerForm(kind, directories.value.home);
  const config =
    isolation === 'inherit' ? await readUserConfig(settings.codexHome, profile) : emptyUserConfig;
  const environment = codexEnvironment(
    settings.environment,
    directories.value,
    config.credentials,
    job.worktree,
  );
  const hidden = [...new Set([...config.excluded, ...environment.secret])];
  return succeed({
    command: [
      program.value,
      ...['exec', '--json', '--sandbox', kind === 'delegate' ? 'workspace-write' : 'read-only'],
      ...['-C', job.directory],
      ...form,
      // A pin below that this Codex does not know must be an error, not a warning.
      '--strict-config',
      ...isolationArguments(isolation),
      ...(profile === null ? [] : [`--profile=${profile}`]),
      ...modelArguments(job, settings),
      ...job.submission.extraSettings.flatMap((setting) => ['-c', setting]),
      // Last, for the last one counts.
      ...[...pins(job, hidden), ...distrust(job, config.projects)].flatMap((pin) => ['-c', pin]),
      ...SWITCHED_OFF.flatMap((feature) => ['--disable', feature]),
      ...(threadId === null ? [] : ['resume', threadId]),
      '-',
    ],
    // After an attempt the thread holds the task and what was done about it.
    input: job.threadId === null ? job.task : GO_ON,
    environment: environment.variables,
  });
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Codex hands the form on to the model and checks nothing itself. */
async function answerForm(kind: ReadingKind, home: string): Promise<string[]> {
  const file = join(home, 'answer-form.json');
  await writeFile(file, JSON.stringify(answerSchema(kind)), { mode: 0o600 });
  return ['--output-schema', file];
}

/** Each level ignores more than the one before. */
function isolationArguments(isolation: LaunchJob['submission']['isolation']): string[] {
  if (isolation === 'inherit') return [];
  return isolation === 'ignore-config'
    ? ['--ignore-user-config']
    : ['--ignore-user-config', '--ignore-rules'];
}

function modelArguments({ submission }: LaunchJob, settings: Settings): string[] {
  const model = submission.model ?? settings.model;
  const effort = submission.reasoningEffort;
  return [
    ...(model === null ? [] : [`--model=${model}`]),
    ...(effort === null ? [] : ['-c', `model_reasoning_effort=${toml(effort)}`]),
  ];
}

/** Settings of every job, whatever the user's and the repository's configuration say. */
export const PINS = [
  'approval_policy="never"',
  'analytics.enabled=false',
  'check_for_update_on_startup=false',
  'web_search="disabled"',
  'allow_login_shell=false',
  'skills.bundled.enabled=false',
];

function pins(job: LaunchJob, hidden: readonly string[]): string[] {
  // From a subdirectory of the checkout, Codex would let the agent write there only.
  const roots = job.directory === job.worktree ? [] : [job.worktree];
  return [
    ...PINS,
    workspaceWrite(roots, { temporary: true }),
    'shell_environment_policy.ignore_default_excludes=false',
    `shell_environment_policy.exclude=${tomlList(hidden)}`,
  ];
}

/**
 * What a job may write beside its directory, and nothing of what the user's configuration adds: `roots`, and, if so,
 * the directory that TMPDIR names.
 */
export const workspaceWrite = (roots: readonly string[], { temporary }: { temporary: boolean }) =>
  `sandbox_workspace_write={network_access=false,writable_roots=${tomlList(roots)},exclude_slash_tmp=true,exclude_tmpdir_env_var=${!temporary}}`;

/**
 * A checkout may never configure Codex, whatever the user trusts around it. Only a whole table overrides trust
 * that is given. Where none is, the checkout is left as it is, neither trusted nor not: what is called untrusted
 * is not even read for its AGENTS.md.
 */
function distrust(job: LaunchJob, trusted: readonly string[]): string[] {
  if (!isTrusted(job, trusted)) return [];
  return [`projects={${[...new Set([job.worktree, job.directory])].map(untrusted).join(',')}}`];
}

/** True where the user trusts a directory around the checkout, or that itself. */
export const isTrusted = (job: LaunchJob, trusted: readonly string[]): boolean =>
  trusted.some((path) => path === '/' || job.directory === path || job.directory.startsWith(`${path}/`));

const untrusted = (path: string) => `${toml(path)}={trust_level="untrusted"}`;

/** A TOML basic string is a JSON string, but for DEL, which TOML wants escaped. */
const toml = (text: string) => JSON.stringify(text).replaceAll('\u007f', '\\u007f');
const tomlList = (texts: readonly string[]) => `[${texts.map(toml).join(',')}]`;
