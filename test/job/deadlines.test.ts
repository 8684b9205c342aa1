import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDeadlines } from '../../src/job/deadlines.js';
import { TestClock } from '../support/house.js';

function makeDeadlines() {
  const clock = new TestClock();
  const passed: string[] = [];
  return { clock, passed, deadlines: createDeadlines(clock, (jobId) => passed.push(jobId)) };
}

test('each instant passes once, in order, however they were set', () => {
  const { clock, passed, deadlines } = makeDeadlines();
  const now = clock.now();
  deadlines.set('late', now + 90_000);
  deadlines.set('early', now + 1_000);
  deadlines.set('moved', now + 500);
  deadlines.set('moved', now + 2_000);
  deadlines.set('deleted', now + 1_500);
  deadlines.delete('deleted');
  clock.advance(1_999);
  assert.deepEqual(passed, ['early']);
  clock.advance(100_000);
  assert.deepEqual(passed, ['early', 'moved', 'late']);
});

test('what is set after the end has no timer, which would keep a program from ending', () => {
  const { clock, passed, deadlines } = makeDeadlines();
  deadlines.set('before', clock.now() + 1_000);
  deadlines.close();
  deadlines.set('after', clock.now() + 500);
  assert.equal(clock.waiting, 0);
  clock.advance(10_000);
  assert.deepEqual(passed, []);
});
