import type { ErrorCode } from '../errors.js';

/** The errors that an app-server names (`codexErrorInfo`, Codex 0.169). Those not here are told by their words. */
const NAMED: Readonly<Record<string, ErrorCode>> = {
  contextWindowExceeded: 'context_too_large',
  usageLimitExceeded: 'codex_usage_limit',
  sessionBudgetExceeded: 'codex_usage_limit',
  rateLimitExceeded: 'codex_rate_limited',
  serverOverloaded: 'model_unavailable',
  flexUnavailable: 'model_unavailable',
  policyCapacityUnavailable: 'model_unavailable',
  internalServerError: 'model_unavailable',
  modelNotFound: 'model_rejected',
  unauthorized: 'codex_auth_required',
  sandboxError: 'sandbox_unavailable',
};

/** Those that name the status of the answer, where there was one. */
const OF_AN_ANSWER = [
  'httpConnectionFailed',
  'responseStreamConnectionFailed',
  'responseStreamDisconnected',
  'responseTooManyFailedAttempts',
];

/** What an app-server's error is told as; null where it does not tell, or `info` is no such error. */
export function codeOfErrorInfo(info: unknown): ErrorCode | null {
  if (typeof info === 'string') return NAMED[info] ?? null;
  if (typeof info !== 'object' || info === null) return null;
  const [entry] = Object.entries(info as Record<string, { httpStatusCode?: unknown } | null>);
  if (entry === undefined || !OF_AN_ANSWER.includes(entry[0])) return null;
  return codeOfStatus(entry[1]?.httpStatusCode ?? null);
}

function codeOfStatus(status: unknown): ErrorCode {
  if (status === 401 || status === 403) return 'codex_auth_required';
  if (status === 429) return 'codex_rate_limited';
  return typeof status === 'number' && status >= 400 && status < 500 ? 'model_rejected' : 'model_unavailable';
}
