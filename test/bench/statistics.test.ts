import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeBetween, ratioOf, spreadOf } from '../../bench/statistics.js';

describe('a spread', () => {
  it('holds the quantiles, interpolated between samples, in whatever order they came', () => {
    assert.deepEqual(spreadOf([4, 1, 3, 2, 5]), {
      count: 5,
      min: 1,
      p25: 2,
      p50: 3,
      p75: 4,
      p95: 4.8,
      p99: 4.96,
      max: 5,
    });
    assert.equal(spreadOf([1, 2]).p50, 1.5);
  });

  it('of one sample is that sample, and of none there is none', () => {
    assert.deepEqual(new Set(Object.values(spreadOf([1]))), new Set([1]));
    assert.throws(() => spreadOf([]));
  });
});

describe('a ratio', () => {
  it('is taken round by round, so that what slowed a round slows neither side of it', () => {
    const ratio = ratioOf([10, 100, 1_000], [20, 200, 2_000]);
    assert.deepEqual([ratio.min, ratio.p50, ratio.max], [0.5, 0.5, 0.5]);
  });

  it('is refused for samples that are not of the same rounds', () => {
    assert.throws(() => ratioOf([1, 2], [1]));
  });
});

describe('a change between two runs', () => {
  const around = (middle: number) => spreadOf([middle * 0.9, middle, middle * 1.1]);

  it('is better or worse when the middle halves of the runs lie apart', () => {
    assert.equal(changeBetween(around(100), around(50), 'lower').verdict, 'better');
    assert.equal(changeBetween(around(100), around(50), 'higher').verdict, 'worse');
    assert.equal(changeBetween(around(100), around(200), 'higher').verdict, 'better');
    assert.equal(changeBetween(around(100), around(200), 'lower').verdict, 'worse');
  });

  it('is none when they overlap, and tells the range of the ratio', () => {
    const change = changeBetween(around(100), around(104), 'lower');
    assert.equal(change.verdict, 'same');
    assert.equal(change.ratio, 1.04);
    assert.ok(change.low < 1 && change.high > 1.04);
  });

  it('is not judged where a run has too few samples for a range', () => {
    const pairs = [
      [spreadOf([1_325]), spreadOf([1_326])],
      [spreadOf([1, 2]), around(50)],
      [around(50), spreadOf([1, 2])],
    ] as const;
    for (const [before, now] of pairs) assert.equal(changeBetween(before, now, 'lower').verdict, null);
  });

  it('from nothing to nothing is none', () => {
    const nothing = spreadOf([0, 0, 0]);
    assert.deepEqual(changeBetween(nothing, nothing, 'lower'), {
      ratio: 1,
      low: 1,
      high: 1,
      verdict: 'same',
    });
  });
});
