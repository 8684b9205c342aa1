import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { succeed } from '../../src/errors.js';
import { models } from '../../src/operations/models.js';
import { status } from '../../src/operations/status.js';
import { makeCall, notReady } from '../support/operations.js';

describe('codex_models', () => {
  it('answers what the account offers, and what a job gets that names none', async () => {
    const outcome = await models.handle({}, makeCall());
    assert.ok(outcome.ok);
    assert.deepEqual(models.output.parse(outcome.value), {
      ok: true,
      model: 'gpt-test',
      reasoning_effort: 'low',
      models: [
        {
          model: 'gpt-test',
          name: 'GPT Test',
          description: 'For tests.',
          efforts: ['low', 'high'],
          default_effort: 'low',
        },
      ],
    });
  });

  it('refuses as Codex does', async () => {
    const outcome = await models.handle({}, makeCall({}, { account: notReady }));
    assert.equal(outcome.ok ? null : outcome.fault.code, 'codex_not_found');
  });
});

describe('codex_status', () => {
  it('shows the limits of the account, and none where they are not known', async () => {
    const limit = { name: 'codex', usedPercent: 42, windowMinutes: 300, resetsAt: Date.UTC(2027, 0, 1) };
    const account = async () => succeed({ models: [], model: null, effort: null, limits: [limit] });
    const shown = await status.handle({}, makeCall({}, { account }));
    assert.ok(shown.ok);
    assert.deepEqual(status.output.parse(shown.value).rate_limits, [
      { name: 'codex', used_percent: 42, window_minutes: 300, resets_at: '2027-01-01T00:00:00.000Z' },
    ]);
    const unknown = await status.handle({}, makeCall({}, { account: notReady }));
    assert.equal(unknown.ok && unknown.value.rate_limits, null);
  });
});
