import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAtLeast, versionIn } from '../../src/doctor/finding.js';

describe('a version', () => {
  it('is found in what a program says of itself', () => {
    assert.deepEqual(versionIn('git version 2.39.5 (Debian)'), [2, 39, 5]);
    assert.deepEqual(versionIn('v20.19.0'), [20, 19, 0]);
    assert.equal(versionIn('no version here'), null);
  });

  it('is compared part by part', () => {
    assert.ok(isAtLeast([20, 19, 0], [20, 19]));
    assert.ok(isAtLeast([22], [20, 19]));
    assert.ok(isAtLeast([3, 0], [2, 30]));
    assert.ok(!isAtLeast([20, 9], [20, 19]));
    assert.ok(!isAtLeast([2], [2, 30]));
  });
});
