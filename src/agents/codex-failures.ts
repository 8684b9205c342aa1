import type { ErrorCode } from '../errors.js';
import type { AgentFailure } from './agent.js';
import { codeOfErrorInfo } from './codex-error-info.js';
import { resetInstant } from './codex-reset.js';
import { plainCause } from './plain-text.js';

type Rule = readonly [pattern: RegExp, code: ErrorCode];

/**
 * What Codex says in `turn.failed`, by the cause, in the words of Codex 0.169. The first rule that fits
 * counts: statuses come first, because the body behind them can say anything.
 */
const turnRules: readonly Rule[] = [
  [/^unexpected status 40[13]\b/, 'codex_auth_required'],
  [/^exceeded retry limit, last status: 429\b/, 'codex_rate_limited'],
  [/^unexpected status 429\b/, 'codex_rate_limited'],
  [/^unexpected status 5\d\d\b/, 'model_unavailable'],
  [
    /^(exceeded retry limit|stream disconnected|connection failed|.*idle timeout|.*timed out)/i,
    'model_unavailable',
  ],
  [/error sending request|high demand|at capacity/i, 'model_unavailable'],
  [/ran out of room in the model.s context|context_length_exceeded/i, 'context_too_large'],
  [/hit your usage limit|quota exceeded|insufficient_quota/i, 'codex_usage_limit'],
  [/^rate limit/i, 'codex_rate_limited'],
  [/^missing environment variable/i, 'codex_config_rejected'],
  [/refresh token|access token could not|sign in again|log in again|codex login/i, 'codex_auth_required'],
  [
    /model_not_found|\bmodel\b.*(does not exist|not supported|not found|do not have access)/i,
    'model_rejected',
  ],
  [/^unexpected status 4\d\d\b|invalid_request_error|unsupported_value|is not supported/i, 'model_rejected'],
];

/** What Codex writes to standard error when it ends before a turn; no word of the task is in it yet. */
const launchRules: readonly Rule[] = [
  [
    /^error: (unexpected argument|unrecognized|invalid value)|^Error: Unknown feature flag/m,
    'codex_unsupported',
  ],
  [/in -c\/--config override/, 'codex_unsupported'],
  [
    /^Error loading config|config\.toml|unknown configuration field|model provider .{0,200} not found/im,
    'codex_config_rejected',
  ],
  [/exceeds the maximum length/, 'input_too_large'],
  [/not logged in|codex login/i, 'codex_auth_required'],
];

/** Limits pass at an instant that the model may tell. */
const LIMITS: readonly ErrorCode[] = ['codex_rate_limited', 'codex_usage_limit'];

/** The statuses that a shell gives when it cannot start a program at all. */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/** As much is looked through for a cause: an answer of a provider may be megabytes of any words. */
const CAUSE_CHARACTERS = 8_192;

/** The failure that a `turn.failed` event tells of, which came at the instant `at`; `info` is an app-server's. */
export function turnFailure(message: string, at: number, info: unknown = null): AgentFailure {
  const startOf = (text: string) => text.slice(0, CAUSE_CHARACTERS);
  const cause = startOf(unwrap(message));
  const code =
    codeOfErrorInfo(info) ??
    classify(turnRules, startOf(message)) ??
    classify(turnRules, cause) ??
    'agent_failed';
  const said = plainCause(cause) || 'The agent reported that its turn failed and did not say why.';
  const resetAt = LIMITS.includes(code) ? resetInstant(cause, at) : null;
  if (resetAt === null) return { code, message: said };
  return { code, message: `${said} It can be asked again at ${new Date(resetAt).toISOString()}.`, resetAt };
}

/** The failure of a run that ended by itself without telling how its turn went. */
export function exitFailure(status: number, stderr: string, turnStarted: boolean): AgentFailure {
  const said = lastWords(stderr);
  const message = plainCause(`Codex ended with status ${status}${said === null ? '' : `: ${said}`}`);
  if (turnStarted) return { code: 'agent_exited', message };
  if (status === NOT_EXECUTABLE || status === NOT_FOUND) return { code: 'agent_not_started', message };
  return { code: classify(launchRules, stderr) ?? 'agent_exited', message };
}

/**
 * The forms in which Codex's sandbox itself fails to start, before the command it was to hold. A command prints what it
 * likes: nothing without bounds may come twice in a form.
 */
const SANDBOX_FAILURE =
  /^bwrap: (creating new namespace failed|no permissions to create|setting up uid map|loopback: failed|execvp codex-linux-sandbox|can't (mount|create|bind|find source|make|open|pivot)|pivot_root|prctl|unknown option|.*operation not permitted)|^thread .{0,200} panicked at .{0,400}linux-sandbox|codex-linux-sandbox: (no such file|not found)|^error building bubblewrap command:/im;

/** True if the text shows a known failure of the sandbox itself. */
export const tellsSandboxFailure = (text: string): boolean => SANDBOX_FAILURE.test(text);

/**
 * True if a command's output shows that the sandbox never started it: nothing but the sandbox's own words. A
 * command that got as far as printing anything else has run.
 */
export function isSandboxFailure(output: string): boolean {
  const lines = output.trim().split('\n');
  return (
    tellsSandboxFailure(output) &&
    lines.every((line) =>
      /^(bwrap|thread|note|codex-linux-sandbox|error building bubblewrap command)\b/.test(line),
    )
  );
}

const classify = (rules: readonly Rule[], text: string): ErrorCode | null =>
  rules.find(([pattern]) => pattern.test(text))?.[1] ?? null;

/** A provider's error comes as the JSON body of its answer: takes the sentence out of it. */
function unwrap(message: string): string {
  const text = message.trim();
  if (!text.startsWith('{')) return text.replace(/, url: \S+.*$/s, '');
  try {
    const body = JSON.parse(text) as { error?: { message?: unknown }; detail?: unknown; message?: unknown };
    const sentence = [body.error?.message, body.detail, body.message].find(
      (part) => typeof part === 'string',
    );
    return sentence ?? text;
  } catch {
    return text;
  }
}

/** Lines of Codex's standard error that tell no cause. */
const NOISE =
  /^(Reading additional input from stdin|WARNING:|note:|Usage:|For more information|Stack backtrace|\s|$)/;

/** The error that Codex names, with the line that explains it; else the last line that is no noise. */
function lastWords(stderr: string): string | null {
  const lines = stderr.split('\n').filter((line) => !NOISE.test(line));
  const error = lines.findIndex((line) => /^(error\b|thread .* panicked)/i.test(line));
  return error === -1 ? (lines.at(-1) ?? null) : lines.slice(error, error + 2).join(' ');
}
