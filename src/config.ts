import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { type Outcome, refuse, succeed } from './errors.js';
import { configFile, defaultStateDirectory, homeOf, readConfigFile } from './state-directory.js';

const absolutePath = z.string().refine(isAbsolute, 'must be an absolute path');
const wholeNumber = (low: number, high: number) => z.coerce.number().int().min(low).max(high);
const WEEK = 604_800;

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
  max_queued: wholeNumber(1, 1_000_000).default(100_000).describe('Jobs that may wait; more are refused.'),
  backend: z.enum(['codex-exec', 'command']).default('codex-exec').describe('The agent that does the tasks.'),
  command: z
    .string()
    .optional()
    .describe('Command line of the command backend, for `sh -c`; the task comes on its standard input.'),
  codex_path: absolutePath.optional().describe('The Codex CLI; found on PATH unless set.'),
  model: z.string().min(1).optional().describe("The model; Codex's own choice unless set."),
  deadline_seconds: wholeNumber(1, WEEK)
    .default(1_800)
    .describe('Until when a job may run, once it left the queue.'),
  queue_seconds: wholeNumber(1, 10 * WEEK)
    .default(86_400)
    .describe('How long a job may wait in the queue.'),
  result_ttl_seconds: wholeNumber(1, 52 * WEEK)
    .default(86_400)
    .describe('How long a settled job and its result are kept.'),
  max_attempts: wholeNumber(1, 10)
    .default(3)
    .describe('How often an agent may go on after a failure that passes: rate limit, overload, cut stream.'),
  retry_seconds: wholeNumber(1, 86_400)
    .default(10)
    .describe('How long to wait before the second attempt; each later wait is four times as long.'),
  silence_seconds: wholeNumber(1, WEEK)
    .default(600)
    .describe('How long an agent may give no sign of life, while no command of its runs.'),
  log_level: z
    .enum(['silent', 'error', 'warn', 'info', 'debug', 'trace'])
    .default('info')
    .describe('How much is logged.'),
});

type RawSettings = z.infer<typeof settingsSchema>;
export type SettingKey = keyof RawSettings;

export interface Settings {
  stateDir: string;
  maxRunning: number;
  maxRunningPerRepo: number;
  maxQueued: number;
  backend: 'codex-exec' | 'command';
  command: string | null;
  codexPath: string | null;
  model: string | null;
  deadlineSeconds: number;
  queueSeconds: number;
  resultTtlSeconds: number;
  maxAttempts: number;
  retrySeconds: number;
  silenceSeconds: number;
  logLevel: RawSettings['log_level'];
  /** The user's Codex home: `CODEX_HOME`, or `~/.codex`. */
  codexHome: string;
  /** The environment the daemon was started with; backends pick what an agent may see. */
  environment: Readonly<Record<string, string>>;
}

/** One line of `offshoot config`: what is set, where it came from, and what it means. */
export interface SettingLine {
  key: SettingKey;
  variable: string;
  value: string | number | null;
  source: 'environment' | 'file' | 'default';
  description: string;
}

const variableOf = (key: string) => `OFFSHOOT_${key.toUpperCase()}`;
export const settingKeys = Object.keys(settingsSchema.shape) as SettingKey[];

/** Settings from the configuration file and, over it, the environment. An empty variable counts as unset. */
export function loadSettings(
  environment: NodeJS.ProcessEnv = process.env,
): Outcome<{ settings: Settings; lines: SettingLine[] }> {
  const file = readConfigFile(configFile(environment));
  if (!file.ok) return file;
  const fromEnvironment = readVariables(environment);
  const defaults = { state_dir: defaultStateDirectory(environment) };
  const parsed = settingsSchema.safeParse({ ...defaults, ...file.value, ...fromEnvironment });
  if (!parsed.success) {
    return refuse('invalid_config', { message: describeProblem(parsed.error.issues, fromEnvironment) });
  }
  const lines = settingKeys.map((key) => ({
    key,
    variable: variableOf(key),
    value: parsed.data[key] ?? null,
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

function describeProblem(
  issues: readonly z.core.$ZodIssue[],
  fromEnvironment: Record<string, string>,
): string {
  const issue = issues[0];
  if (issue?.code === 'unrecognized_keys') {
    return `The configuration file has unknown settings; these are known: ${settingKeys.join(', ')}.`;
  }
  const key = String(issue?.path[0] ?? '');
  const name = key in fromEnvironment ? variableOf(key) : `the setting "${key}"`;
  return `The value of ${name} does not fit: ${issue?.message ?? 'invalid'}.`;
}

function toSettings(raw: RawSettings, environment: NodeJS.ProcessEnv): Settings {
  return {
    stateDir: raw.state_dir,
    maxRunning: raw.max_running,
    maxRunningPerRepo: raw.max_running_per_repo ?? raw.max_running,
    maxQueued: raw.max_queued,
    backend: raw.backend,
    command: raw.command ?? null,
    codexPath: raw.codex_path ?? null,
    model: raw.model ?? null,
    deadlineSeconds: raw.deadline_seconds,
    queueSeconds: raw.queue_seconds,
    resultTtlSeconds: raw.result_ttl_seconds,
    maxAttempts: raw.max_attempts,
    retrySeconds: raw.retry_seconds,
    silenceSeconds: raw.silence_seconds,
    logLevel: raw.log_level,
    codexHome: environment.CODEX_HOME || join(homeOf(environment), '.codex'),
    environment: Object.fromEntries(
      Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  };
}
