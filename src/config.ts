import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { type Outcome, refuse, succeed } from './errors.js';
import { nearest } from './nearest.js';
import { configFile, defaultStateDirectory, homeOf, readConfigFile } from './state-directory.js';

const absolutePath = z.string().refine(isAbsolute, 'must be an absolute path');
const wholeNumber = (low: number, high: number) =>
  z.coerce
    .number({ error: `must be a whole number from ${low} to ${high}` })
    .int()
    .min(low)
    .max(high);
const oneOf = <const Names extends readonly string[]>(names: Names) =>
  z.enum(names, `must be one of ${names.join(', ')}`);
const trueOrFalse = () => z.union([z.stringbool(), z.boolean()], 'must be true or false');
const WEEK = 604_800;
/** Names of a path, none of which leads out of where it starts, or into a git directory. */
const relativePath = z
  .string()
  .refine(
    (path) => path.split('/').every((name) => !['', '.', '..', '.git'].includes(name)),
    'must be names or relative paths of directories, such as node_modules',
  );
/** A name or an address, one of IPv6 in brackets, and a port. */
const httpAddress = /^(?:([A-Za-z0-9.-]+)|\[([0-9A-Fa-f:]+)\]):(\d{1,5})$/;
const DEFAULT_WARM_SLOTS = 16;

/**
 * Every setting: its key in the configuration file, and `OFFSHOOT_` with the key in capitals in the
 * environment, which wins. Durations are in seconds.
 */
const settingsSchema = z.strictObject({
  state_dir: absolutePath.describe('Directory that holds the store, the worktrees and the logs.'),
  max_running: wholeNumber(1, 1_000).default(16).describe('Agents at once on this machine.'),
  max_running_per_repo: wholeNumber(1, 1_000)
    .optional()
    .describe('Agents at once on one repository; as many as max_running unless set.'),
  warm_slots: wholeNumber(0, 1_000)
    .optional()
    .describe(
      'Finished worktrees kept of one repository for its next jobs, 0 for none; max_running_per_repo, at most 16, unless set.',
    ),
  warm_paths: z
    .preprocess(
      (value) => (typeof value === 'string' ? value.split(',') : value),
      z.array(relativePath).max(100),
    )
    .optional()
    .describe(
      'Ignored directories that stay in a warm slot, by name or by path from the root of the repository, separated by commas: node_modules,.venv. What one job writes there, the next job of that repository sees and runs. One is kept only where git ignores all of it and tracks nothing in it; up to 2 GiB and 200,000 files in a slot; not with overlay.',
    ),
  overlay: trueOrFalse()
    .default(false)
    .describe(
      'Whether worktrees are overlays over one clean tree of their repository, so that a job costs what it changes. For large repositories, on Linux where this user may mount an overlay, as root or in a user namespace; elsewhere each job warns of it. Jobs of codex-app-server have ordinary ones. Renaming a directory of the baseline is then a copy, and what the worktree holds is seen by its agent only.',
    ),
  max_running_per_client: wholeNumber(1, 1_000)
    .optional()
    .describe('Agents at once for one client; as many as max_running unless set.'),
  max_queued_per_client: wholeNumber(1, 1_000_000)
    .optional()
    .describe('Jobs of one client that may wait; as many as max_queued unless set.'),
  token_limits: z
    .preprocess(
      parseJson,
      z.record(
        z.string(),
        z.strictObject({
          max_running: wholeNumber(1, 1_000).optional(),
          max_queued: wholeNumber(0, 1_000_000).optional(),
        }),
        'must be an object, in JSON',
      ),
    )
    .optional()
    .describe(
      'Limits of single HTTP tokens, by name, in JSON: {"ci": {"max_running": 2, "max_queued": 50}}.',
    ),
  max_depth: wholeNumber(1, 10)
    .default(1)
    .describe('How deep jobs may nest: with 1, the agent of a job cannot delegate.'),
  max_descendants: wholeNumber(1, 10_000)
    .default(100)
    .describe('How many unsettled jobs may come from the agents of one job, in all.'),
  max_queued: wholeNumber(1, 1_000_000).default(100_000).describe('Jobs that may wait; more are refused.'),
  backend: oneOf(['codex-exec', 'codex-app-server', 'auto', 'command'])
    .default('codex-exec')
    .describe(
      'The agent that does the tasks: Codex in a process for each job (codex-exec) or in one for many (codex-app-server), the one or the other by their number (auto), or a command.',
    ),
  app_server_from: wholeNumber(1, 1_000)
    .default(32)
    .describe(
      'With the backend auto: a job that brings the number of running ones to this, or above, goes to an app-server.',
    ),
  command: z
    .string()
    .optional()
    .describe('Command line of the command backend, for `sh -c`; the task comes on its standard input.'),
  codex_path: absolutePath.optional().describe('The Codex CLI; found on PATH unless set.'),
  model: z.string().min(1).optional().describe("The model; Codex's own choice unless set."),
  deadline_seconds: wholeNumber(1, WEEK)
    .default(1_800)
    .describe('How long a job may run, once it has left the queue.'),
  queue_seconds: wholeNumber(1, 10 * WEEK)
    .default(86_400)
    .describe('How long a job may wait in the queue.'),
  result_ttl_seconds: wholeNumber(1, 52 * WEEK)
    .default(86_400)
    .describe('How long a settled job and its result are kept.'),
  max_attempts: wholeNumber(1, 10)
    .default(3)
    .describe(
      'How many attempts a job has in all, where they fail in a way that passes: rate limit, overload, cut stream.',
    ),
  retry_seconds: wholeNumber(1, 86_400)
    .default(10)
    .describe('How long to wait before the second attempt; each later wait is four times as long.'),
  silence_seconds: wholeNumber(1, WEEK)
    .default(600)
    .describe('How long an agent may give no sign of life, while no command of its runs.'),
  clean_filters: trueOrFalse()
    .default(true)
    .describe(
      "Whether the clean filters of the user's own git configuration, such as git-lfs, apply to changed files while a baseline is taken.",
    ),
  http: z
    .string()
    .refine((text) => parseHttpAddress(text) !== null, 'must be HOST:PORT, such as 127.0.0.1:0')
    .optional()
    .describe('Where MCP is served over HTTP too, as HOST:PORT; port 0 takes a free one. Off unless set.'),
  on_settled: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Told of each job that ends: a command for `sh -c`, with OFFSHOOT_JOB_ID, OFFSHOOT_JOB_STATUS, OFFSHOOT_JOB_LABEL and OFFSHOOT_JOB_GROUP, or an http(s) URL that gets a POST of job_id, status, label and group_id in JSON. It has 30 s.',
    ),
  log_level: oneOf(['silent', 'error', 'warn', 'info', 'debug', 'trace'])
    .default('info')
    .describe('How much is logged.'),
});

/** A list or an object is shown as it is written in the environment. */
const shown = (value: RawSettings[SettingKey]): string | number | boolean | null => {
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'object' ? JSON.stringify(value) : (value ?? null);
};

/** In the environment an object is written as JSON; what is none is left for the schema to refuse. */
function parseJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

type RawSettings = z.infer<typeof settingsSchema>;
export type SettingKey = keyof RawSettings;

/** What a job runs on. */
export type Backend = 'codex-exec' | 'codex-app-server' | 'command';

export interface Settings {
  stateDir: string;
  maxRunning: number;
  maxRunningPerRepo: number;
  /** Idle slots kept of one repository. */
  warmSlots: number;
  /** Ignored directories that stay in them: names, and paths from the root of a repository. */
  warmPaths: readonly string[];
  /** Worktrees are overlays over a lower tree where the machine can. */
  overlay: boolean;
  maxRunningPerClient: number;
  maxQueued: number;
  maxQueuedPerClient: number;
  /** Limits of single clients, in place of those for each. */
  clientLimits: Readonly<Record<string, { maxRunning?: number; maxQueued?: number }>>;
  maxDepth: number;
  maxDescendants: number;
  backend: Backend | 'auto';
  appServerFrom: number;
  command: string | null;
  codexPath: string | null;
  model: string | null;
  deadlineSeconds: number;
  queueSeconds: number;
  resultTtlSeconds: number;
  maxAttempts: number;
  retrySeconds: number;
  silenceSeconds: number;
  /** Where to serve HTTP; null for nowhere. */
  http: { host: string; port: number } | null;
  cleanFilters: boolean;
  onSettled: string | null;
  logLevel: RawSettings['log_level'];
  /** The user's Codex home: `CODEX_HOME`, or `~/.codex`. */
  codexHome: string;
  /** The environment the daemon was started with; backends pick what an agent may see. */
  environment: Readonly<Record<string, string>>;
}

export interface LoadedSettings {
  settings: Settings;
  lines: SettingLine[];
}

/** One line of `offshoot config`: what is set, where it came from, and what it means. */
export interface SettingLine {
  key: SettingKey;
  variable: string;
  value: unknown;
  source: 'environment' | 'file' | 'default';
  description: string;
}

const PREFIX = 'OFFSHOOT_';
const variableOf = (key: string) => `${PREFIX}${key.toUpperCase()}`;
export const settingKeys = Object.keys(settingsSchema.shape) as SettingKey[];

/**
 * Settings from the configuration file, over it the environment, and over both what was `given` on the command
 * line, or by who embeds us. An empty variable counts as unset.
 */
export function loadSettings(
  environment: NodeJS.ProcessEnv = process.env,
  given: Partial<Record<SettingKey, unknown>> = {},
): Outcome<LoadedSettings> {
  const file = readConfigFile(configFile(environment));
  if (!file.ok) return file;
  const fromEnvironment = { ...readVariables(environment), ...given };
  const defaults = { state_dir: defaultStateDirectory(environment) };
  const parsed = settingsSchema.safeParse({ ...defaults, ...file.value, ...fromEnvironment });
  if (!parsed.success) {
    const sourceOf = (key: string) =>
      key in given ? 'given' : key in fromEnvironment ? 'environment' : 'file';
    return refuse('invalid_config', { message: describeProblem(parsed.error.issues, sourceOf) });
  }
  const lines = settingKeys.map((key) => ({
    key,
    variable: variableOf(key),
    value: shown(parsed.data[key]),
    source:
      key in fromEnvironment
        ? ('environment' as const)
        : key in file.value
          ? ('file' as const)
          : ('default' as const),
    description: settingsSchema.shape[key].description ?? '',
  }));
  return succeed({ settings: toSettings(parsed.data, environment), lines });
}

function readVariables(environment: NodeJS.ProcessEnv): Record<string, string> {
  const entries = settingKeys.map((key) => [key, environment[variableOf(key)]] as const);
  return Object.fromEntries(entries.filter((entry): entry is [SettingKey, string] => Boolean(entry[1])));
}

export interface MisspeltVariable {
  variable: string;
  /** The variable that it is near to. */
  meant: string;
}

/** Variables that are near to one of ours and none of them. One that is near to none may be anybody's. */
export function misspeltVariables(environment: NodeJS.ProcessEnv = process.env): MisspeltVariable[] {
  const variables = settingKeys.map(variableOf);
  return Object.keys(environment).flatMap((variable) => {
    if (!variable.startsWith(PREFIX) || variables.includes(variable)) return [];
    // Without the prefix, which would make any two look alike.
    const meant = nearest(variable.slice(PREFIX.length).toLowerCase(), settingKeys);
    return meant === null ? [] : [{ variable: variable.slice(0, 64), meant: variableOf(meant) }];
  });
}

function describeProblem(
  issues: readonly z.core.$ZodIssue[],
  sourceOf: (key: string) => 'given' | 'environment' | 'file',
): string {
  const issue = issues[0];
  if (issue?.code === 'unrecognized_keys' && issue.path.length === 0) {
    const unknown = issue.keys.map((key) => JSON.stringify(key.slice(0, 64))).join(', ');
    const what = issue.keys.some((key) => sourceOf(key) === 'given')
      ? 'Unknown settings were given'
      : 'The configuration file has unknown settings';
    return `${what}: ${unknown}. The settings are: ${settingKeys.join(', ')}.`;
  }
  const key = String(issue?.path[0] ?? '');
  const name = sourceOf(key) === 'environment' ? variableOf(key) : `the setting "${key}"`;
  return `The value of ${name} is not valid: ${issue?.message ?? 'invalid'}.`;
}

function toSettings(raw: RawSettings, environment: NodeJS.ProcessEnv): Settings {
  return {
    stateDir: raw.state_dir,
    maxRunning: raw.max_running,
    maxRunningPerRepo: raw.max_running_per_repo ?? raw.max_running,
    warmSlots: raw.warm_slots ?? Math.min(raw.max_running_per_repo ?? raw.max_running, DEFAULT_WARM_SLOTS),
    warmPaths: raw.warm_paths ?? [],
    overlay: raw.overlay,
    maxRunningPerClient: raw.max_running_per_client ?? raw.max_running,
    maxQueued: raw.max_queued,
    maxQueuedPerClient: raw.max_queued_per_client ?? raw.max_queued,
    clientLimits: Object.fromEntries(
      Object.entries(raw.token_limits ?? {}).map(([name, { max_running, max_queued }]) => [
        tokenClient(name),
        {
          ...(max_running !== undefined && { maxRunning: max_running }),
          ...(max_queued !== undefined && { maxQueued: max_queued }),
        },
      ]),
    ),
    maxDepth: raw.max_depth,
    maxDescendants: raw.max_descendants,
    backend: raw.backend,
    appServerFrom: raw.app_server_from,
    command: raw.command ?? null,
    codexPath: raw.codex_path ?? null,
    model: raw.model ?? null,
    deadlineSeconds: raw.deadline_seconds,
    queueSeconds: raw.queue_seconds,
    resultTtlSeconds: raw.result_ttl_seconds,
    maxAttempts: raw.max_attempts,
    retrySeconds: raw.retry_seconds,
    silenceSeconds: raw.silence_seconds,
    http: raw.http === undefined ? null : parseHttpAddress(raw.http),
    cleanFilters: raw.clean_filters,
    onSettled: raw.on_settled ?? null,
    logLevel: raw.log_level,
    codexHome: environment.CODEX_HOME || join(homeOf(environment), '.codex'),
    environment: Object.fromEntries(
      Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  };
}

function parseHttpAddress(text: string): Settings['http'] {
  const [, name, address = '', port] = httpAddress.exec(text) ?? [];
  const number = Number(port ?? Number.NaN);
  return number <= 65_535 ? { host: name ?? address, port: number } : null;
}

/** The name under which the clients of an HTTP token take turns. */
export const tokenClient = (name: string): string => `token ${name}`;
