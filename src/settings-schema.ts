import { isAbsolute } from 'node:path';
import { z } from 'zod';

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

/**
 * Every setting: its key in the configuration file, and `OFFSHOOT_` with the key in capitals in the
 * environment, which wins. Durations are in seconds.
 */
export const settingsSchema = z.strictObject({
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

/** The settings as they are written; what has no default may be missing. */
export type RawSettings = z.infer<typeof settingsSchema>;
export type SettingKey = keyof RawSettings;

/** In the environment an object is written as JSON; what is none is left for the schema to refuse. */
function parseJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** Where HTTP is served; null for what is no HOST:PORT. */
export function parseHttpAddress(text: string): { host: string; port: number } | null {
  const [, name, address = '', port] = httpAddress.exec(text) ?? [];
  const number = Number(port ?? Number.NaN);
  return number <= 65_535 ? { host: name ?? address, port: number } : null;
}
