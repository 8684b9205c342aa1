import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { coalescedProgress } from '../../src/mcp/progress.js';

test('reports are sent at most once an interval, the last of those between, numbered upwards', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const sent: string[] = [];
  const progress = coalescedProgress((step, message) => sent.push(`${step} ${message}`), {
    intervalMs: 1_000,
    repeatMs: 10_000,
  });
  for (const message of ['a', 'b', 'c']) progress.report(message);
  assert.deepEqual(sent, ['1 a']);
  mock.timers.tick(1_000);
  assert.deepEqual(sent, ['1 a', '2 c']);
  mock.timers.tick(1_000);
  progress.report('d');
  assert.deepEqual(sent, ['1 a', '2 c', '3 d']);
  progress.report('e');
  progress.end();
  progress.report('f');
  mock.timers.tick(50_000);
  assert.deepEqual(sent, ['1 a', '2 c', '3 d']);
  mock.timers.reset();
});

test('what was said last is said again when there is nothing new for long', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const sent: string[] = [];
  const progress = coalescedProgress((step, message) => sent.push(`${step} ${message}`), {
    intervalMs: 1_000,
    repeatMs: 10_000,
  });
  progress.report('a');
  mock.timers.tick(10_000);
  progress.report('b');
  mock.timers.tick(1_000);
  assert.deepEqual(sent, ['1 a', '2 a', '3 b']);
  mock.timers.tick(10_000);
  progress.end();
  mock.timers.tick(50_000);
  mock.timers.reset();
  assert.deepEqual(sent, ['1 a', '2 a', '3 b', '4 b']);
});
