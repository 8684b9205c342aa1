import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exitFailure, isSandboxFailure, turnFailure } from '../../src/agents/codex-failures.js';
import type { ErrorCode } from '../../src/errors.js';

/** When the turns of these tests failed. */
const AT = Date.UTC(2026, 10, 22, 13, 14, 27);

/** What Codex 0.169 says, and what it is told as. */
const turns: [message: string, code: ErrorCode][] = [
  ['unexpected status 401 Unauthorized: Incorrect API key, url: http://127.0.0.1/v1', 'codex_auth_required'],
  ['unexpected status 403 Forbidden: rate limit', 'codex_auth_required'],
  [
    'Your access token could not be refreshed because your refresh token was already used.',
    'codex_auth_required',
  ],
  ['exceeded retry limit, last status: 429 Too Many Requests', 'codex_rate_limited'],
  ['rate limit exceeded: Rate limit reached. Please try again in 2s.', 'codex_rate_limited'],
  ['You’ve hit your usage limit. Upgrade to Pro or try again at 5:12 AM.', 'codex_usage_limit'],
  ['Quota exceeded. Check your plan and billing details.', 'codex_usage_limit'],
  ['We’re currently experiencing high demand, which may cause temporary errors.', 'model_unavailable'],
  ['unexpected status 503 Service Unavailable: model not found, quota exceeded', 'model_unavailable'],
  ['exceeded retry limit, last status: 500 Internal Server Error', 'model_unavailable'],
  ['Selected model is at capacity. Please try a different model.', 'model_unavailable'],
  ['stream disconnected before completion: idle timeout waiting for SSE', 'model_unavailable'],
  ['Connection failed: error sending request', 'model_unavailable'],
  ['Codex ran out of room in the model’s context window. Start a new thread.', 'context_too_large'],
  ['The model `x` does not exist or you do not have access to it.', 'model_rejected'],
  [
    '{"detail":"The \'x\' model is not supported when using Codex with a ChatGPT account."}',
    'model_rejected',
  ],
  ['{"error":{"type":"invalid_request_error","message":"Unsupported value: banana"}}', 'model_rejected'],
  ['Missing environment variable: `FAKE_KEY`.', 'codex_config_rejected'],
  ['Incomplete response returned, reason: max_output_tokens', 'agent_failed'],
  ['', 'agent_failed'],
];

const launches: [status: number, stderr: string, code: ErrorCode][] = [
  [
    1,
    'Error loading config.toml:\n/x/config.toml:1:1: unknown configuration field `foo`',
    'codex_config_rejected',
  ],
  [1, 'Error: Model provider `x` not found', 'codex_config_rejected'],
  [
    1,
    'Error loading config.toml: unknown configuration field `x` in -c/--config override',
    'codex_unsupported',
  ],
  [1, 'Error: Unknown feature flag: goals', 'codex_unsupported'],
  [2, "error: unexpected argument '--strict-config' found\n\nUsage: codex exec", 'codex_unsupported'],
  [1, 'Input exceeds the maximum length of 1048576 characters.', 'input_too_large'],
  [1, 'Not inside a trusted directory and --skip-git-repo-check was not specified.', 'agent_exited'],
  [127, 'sh: codex: not found', 'agent_not_started'],
  [101, "thread 'main' panicked at src/main.rs:1:\nboom\nnote: run with RUST_BACKTRACE=1", 'agent_exited'],
];

describe('the table of failures', () => {
  for (const [message, code] of turns) {
    test(`tells ${code} for the turn's "${message.slice(0, 50)}"`, () => {
      assert.equal(turnFailure(message, AT).code, code);
    });
  }

  for (const [status, stderr, code] of launches) {
    test(`tells ${code} for a launch that says "${stderr.slice(0, 50).replace(/\s+/g, ' ')}"`, () => {
      assert.equal(exitFailure(status, stderr, false).code, code);
    });
  }

  test('is not asked once a turn has begun: the task may have written to standard error', () => {
    assert.equal(exitFailure(1, 'Error loading config.toml', true).code, 'agent_exited');
  });

  test('takes the sentence out of a provider’s JSON', () => {
    assert.equal(turnFailure('{"error":{"message":"Bad thing."}}', AT).message, 'Bad thing.');
    assert.equal(turnFailure('{"detail":"No."}', AT).message, 'No.');
    assert.equal(turnFailure('{broken', AT).message, '{broken');
  });

  test('tells from when on a limit passes, and nothing of the kind for other failures', () => {
    const limited = turnFailure('rate limit exceeded: Please try again in 2s.', AT);
    assert.equal(limited.resetAt, AT + 2_000);
    assert.match(limited.message, /It can be asked again at 2026-11-22T13:14:29\.000Z\.$/);
    assert.equal(turnFailure('unexpected status 503: try again in 2s', AT).resetAt, undefined);
    assert.equal(turnFailure('Quota exceeded. Check your plan.', AT).resetAt, undefined);
  });

  test('is found in a text of any length with little processor time', () => {
    const many = (words: string) => words.repeat(200_000 / words.length);
    const before = process.cpuUsage();
    assert.equal(turnFailure(many('model '), AT).code, 'agent_failed');
    assert.equal(exitFailure(1, many('model provider '), false).code, 'agent_exited');
    for (const words of [' panicked at ', 'operation not '])
      assert.equal(isSandboxFailure(`thread ${many(words)}`), false);
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 5_000_000, `${user + system} µs`);
  });

  test('gives messages of one bounded line without keys and control characters', () => {
    const { message } = turnFailure(
      `bad key sk-proj-abcdefgh, Bearer abc.def-ghi123, http://me:password@host\n\u001b[1m\u0000${'x'.repeat(2_000)}`,
      AT,
    );
    assert.doesNotMatch(message, /abcdefgh|def-ghi|password|[\u0000-\u001f]/);
    assert.ok(message.length <= 500);
    assert.equal(
      exitFailure(1, 'noise\nError: the cause\nmore\nlast\n', true).message,
      'Codex ended with status 1: Error: the cause more',
    );
  });
});
