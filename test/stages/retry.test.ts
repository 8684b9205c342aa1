import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { retryAfterMs } from '../../src/stages/retry.js';

const NOW = 1_800_000_000_000;
const settings = { maxAttempts: 3, retrySeconds: 10 };
const task = { attempt: 1, deadlineAt: NOW + 600_000 };
const noJitter = () => 0;
const mostJitter = () => 1;

describe('the wait before another attempt', () => {
  it('grows fourfold from attempt to attempt, and by up to a quarter more', () => {
    const failure = { code: 'model_unavailable' as const };
    assert.equal(retryAfterMs(failure, task, settings, NOW, noJitter), 10_000);
    assert.equal(retryAfterMs(failure, { ...task, attempt: 2 }, settings, NOW, noJitter), 40_000);
    assert.equal(retryAfterMs(failure, task, settings, NOW, mostJitter), 12_500);
  });

  it('lasts until the limit resets, where the failure tells when', () => {
    const failure = { code: 'codex_usage_limit' as const, resetAt: NOW + 90_000 };
    assert.equal(retryAfterMs(failure, task, settings, NOW, noJitter), 90_000);
    assert.equal(retryAfterMs(failure, task, settings, NOW, mostJitter), 100_000);
    assert.equal(retryAfterMs({ ...failure, resetAt: NOW - 5_000 }, task, settings, NOW, noJitter), 0);
  });

  it('is none when the limit resets after the deadline, or nobody knows when', () => {
    const limit = { code: 'codex_usage_limit' as const };
    assert.equal(retryAfterMs({ ...limit, resetAt: task.deadlineAt }, task, settings, NOW, noJitter), null);
    assert.equal(retryAfterMs(limit, task, settings, NOW, noJitter), null);
  });

  it('is none for a failure that does not pass, and after the last attempt', () => {
    assert.equal(retryAfterMs({ code: 'agent_failed' }, task, settings, NOW), null);
    const last = { ...task, attempt: 3 };
    assert.equal(retryAfterMs({ code: 'model_unavailable' }, last, settings, NOW), null);
    assert.equal(retryAfterMs({ code: 'codex_usage_limit', resetAt: NOW }, last, settings, NOW), null);
  });
});
