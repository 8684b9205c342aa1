import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { afterBursts } from '../../src/job/burst.js';
import { TestClock } from '../support/house.js';

/** Calls at these instants, in milliseconds, and the instants at which the work was done until `end`. */
function doneAt(calls: readonly number[], end: number): number[] {
  const clock = new TestClock();
  const start = clock.now();
  const done: number[] = [];
  const timed = afterBursts(clock)(() => done.push(clock.now() - start));
  for (const at of calls) {
    clock.advance(at - (clock.now() - start));
    timed.expect(1);
    timed.ask();
  }
  clock.advance(end - (clock.now() - start));
  return done;
}

describe('work after bursts of calls', () => {
  it('is done at once for calls that come alone', () => {
    assert.deepEqual(doneAt([0, 20, 60], 1_000), [0, 20, 60]);
  });

  it('is done for the first of a burst at once, and for all others together when none came for 15 ms', () => {
    assert.deepEqual(doneAt([0, 1, 2, 12, 20, 50], 1_000), [0, 35, 50]);
  });

  it('is done with the others for one that asks when they have come', () => {
    const clock = new TestClock();
    let done = 0;
    const timed = afterBursts(clock)(() => {
      done += 1;
    });
    timed.expect(1);
    clock.advance(2);
    timed.expect(1);
    timed.ask();
    assert.equal(done, 0);
    timed.ask();
    clock.advance(15);
    assert.equal(done, 1);
  });

  it('is done once for several that come together', () => {
    const clock = new TestClock();
    let done = 0;
    const timed = afterBursts(clock)(() => {
      done += 1;
    });
    timed.expect(3);
    for (let asked = 0; asked < 3; asked += 1) timed.ask();
    assert.equal(done, 0);
    clock.advance(15);
    assert.equal(done, 1);
  });

  it('is held up for no more than 100 ms by a burst that does not end', () => {
    const calls = Array.from({ length: 300 }, (_, index) => index);
    const done = doneAt(calls, 1_000);
    const gaps = done.map((at, index) => at - (done[index - 1] ?? 0));
    assert.ok(done.length >= 3 && Math.max(...gaps) <= 102, `Done at ${done.join(', ')} ms.`);
    assert.ok((done.at(-1) ?? 0) >= 299, 'The last call asked for nothing.');
  });

  it('is done in time though the clock is put back', () => {
    const clock = new TestClock();
    let done = 0;
    let putBack = 0;
    const timed = afterBursts({ ...timersOf(clock), now: () => clock.now() - putBack })(() => {
      done += 1;
    });
    const call = () => {
      timed.expect(1);
      timed.ask();
    };
    call();
    call();
    putBack = 3_600_000;
    for (let milliseconds = 0; milliseconds < 100; milliseconds += 1) {
      call();
      clock.advance(1);
    }
    assert.ok(done >= 2, 'Held up by a burst that never ends.');
  });
});

const timersOf = (clock: TestClock) => ({
  setTimeout: (callback: () => void, milliseconds: number) => clock.setTimeout(callback, milliseconds),
  clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
});
