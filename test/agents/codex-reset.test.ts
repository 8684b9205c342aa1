import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resetInstant } from '../../src/agents/codex-reset.js';

const local = (...parts: [number, number, number, number, number]) => new Date(...parts).getTime();
const AT = local(2026, 10, 22, 13, 14) + 27_000;
const MINUTE = 60_000;

const told: [message: string, reset: number | null][] = [
  ['You’ve hit your usage limit. Visit x or try again at 1:15 PM.', local(2026, 10, 22, 13, 15) + MINUTE],
  ['You’ve hit your usage limit. Try again at 11:05 PM.', local(2026, 10, 22, 23, 5) + MINUTE],
  ['try again at 12:30 AM.', local(2026, 10, 22, 0, 30) + MINUTE],
  ['or try again at Nov 24th, 2026 8:49 PM.', local(2026, 10, 24, 20, 49) + MINUTE],
  ['Try again at Jan 1st, 2027 12:00 PM.', local(2027, 0, 1, 12, 0) + MINUTE],
  ['Rate limit reached. Please try again in 2s. Visit', AT + 2_000],
  ['Please try again in 1.5s', AT + 1_500],
  ['Please try again in 898ms.', AT + 898],
  ['Please try again in 6m0s.', AT + 6 * MINUTE],
  ['Try again in 3 days 4 hours 5 minutes.', AT + ((3 * 24 + 4) * 60 + 5) * MINUTE],
  ['You’ve hit your usage limit. Try again later.', null],
  ['try again at 1:15', null],
  ['Try again at Foo 1st, 2027 12:00 PM.', null],
  ['Try again at Jan 1st, 9999 12:00 PM.', null],
  ['try again in 99999999999999999999 days', null],
  ['try again in a while', null],
];

describe('the instant at which a limit resets', () => {
  for (const [message, reset] of told) {
    it(`is ${reset === null ? 'not told' : 'read'} in "${message}"`, () => {
      assert.equal(resetInstant(message, AT), reset);
    });
  }
});
