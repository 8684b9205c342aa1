import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deathsInARow } from '../../src/bridge/deaths.js';

test('five daemons that die in a row are replaced, each after a longer pause, and no more', () => {
  const deaths = deathsInARow();
  const pauses = Array.from({ length: 7 }, () => deaths.pauseAfter(59_999));
  assert.deepEqual(pauses, [0, 2_000, 4_000, 8_000, 16_000, null, null]);
  assert.equal(deaths.count(), 7);
});

test('a daemon that was well for a minute is replaced at once, whatever those before it did', () => {
  const deaths = deathsInARow();
  for (let death = 0; death < 7; death += 1) deaths.pauseAfter(0);
  assert.deepEqual([deaths.pauseAfter(60_000), deaths.pauseAfter(0)], [0, 2_000]);
});
