import { join } from 'node:path';
import type { z } from 'zod';
import { type Outcome, refuse, succeed } from './errors.js';
import { nearest } from './nearest.js';
import { parseHttpAddress, type RawSettings, type SettingKey, settingsSchema } from './settings-schema.js';
import { configFile, defaultStateDirectory, homeOf, readConfigFile } from './state-directory.js';

const DEFAULT_WARM_SLOTS = 16;

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

/** A list or an object is shown as it is written in the environment. */
const shown = (value: RawSettings[SettingKey]): string | number | boolean | null => {
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'object' ? JSON.stringify(value) : (value ?? null);
};

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

/** The name under which the clients of an HTTP token take turns. */
export const tokenClient = (name: string): string => `token ${name}`;
