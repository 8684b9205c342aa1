import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { codeOfErrorInfo } from '../../src/agents/codex-error-info.js';
import { turnFailure } from '../../src/agents/codex-failures.js';
import type { ErrorCode } from '../../src/errors.js';

const told: [info: unknown, code: ErrorCode | null][] = [
  [{ httpConnectionFailed: { httpStatusCode: 401 } }, 'codex_auth_required'],
  [{ httpConnectionFailed: { httpStatusCode: null } }, 'model_unavailable'],
  [{ httpConnectionFailed: { httpStatusCode: 404 } }, 'model_rejected'],
  [{ responseTooManyFailedAttempts: { httpStatusCode: 429 } }, 'codex_rate_limited'],
  [{ responseStreamDisconnected: { httpStatusCode: 503 } }, 'model_unavailable'],
  ['usageLimitExceeded', 'codex_usage_limit'],
  ['rateLimitExceeded', 'codex_rate_limited'],
  ['serverOverloaded', 'model_unavailable'],
  ['contextWindowExceeded', 'context_too_large'],
  ['modelNotFound', 'model_rejected'],
  ['other', null],
  ['badRequest', null],
  [{ activeTurnNotSteerable: { turnKind: 'review' } }, null],
  [{}, null],
  [null, null],
  [undefined, null],
  [7, null],
];

describe('an error that an app-server names', () => {
  for (const [info, code] of told) {
    test(`${JSON.stringify(info)} is told as ${code ?? 'what its words say'}`, () => {
      assert.equal(codeOfErrorInfo(info), code);
    });
  }

  test('counts before its words, which anybody may have written', () => {
    assert.equal(turnFailure('quota exceeded', 0, 'serverOverloaded').code, 'model_unavailable');
    assert.equal(turnFailure('stream disconnected before completion', 0, 'other').code, 'model_unavailable');
  });
});
