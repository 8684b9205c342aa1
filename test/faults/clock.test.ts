import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/job/clock.js';
import { createDeadlines } from '../../src/job/deadlines.js';
import { temporaryDirectory } from '../support/directory.js';
import { TestClock } from '../support/house.js';
import { makeOffshoot } from '../support/offshoot.js';
import { makeSetClock } from './set-clock.js';

const HOUR_MS = 3_600_000;

/** A clock that can be set: what it says changes, but not how long its timers have yet to run. */
class SettableClock implements Clock {
  readonly #ticks = new TestClock();
  #set = 0;

  now = () => this.#ticks.now() + this.#set;
  setTimeout = (callback: () => void, milliseconds: number) => this.#ticks.setTimeout(callback, milliseconds);
  clearTimeout = (timer: unknown) => this.#ticks.clearTimeout(timer);

  set(by: number): void {
    this.#set += by;
  }

  advance(milliseconds: number): void {
    this.#ticks.advance(milliseconds);
  }
}

function waiting() {
  const clock = new SettableClock();
  const passed: string[] = [];
  const deadlines = createDeadlines(clock, (jobId) => passed.push(jobId));
  deadlines.set('soon', clock.now() + 60_000);
  deadlines.set('late', clock.now() + 2 * HOUR_MS);
  return { clock, passed };
}

describe('a clock', () => {
  it('set forward lets each deadline pass once', () => {
    const { clock, passed } = waiting();
    clock.set(HOUR_MS);
    clock.advance(30_000);
    assert.deepEqual(passed, ['soon']);
    clock.advance(HOUR_MS);
    assert.deepEqual(passed, ['soon', 'late']);
    clock.advance(4 * HOUR_MS);
    assert.deepEqual(passed, ['soon', 'late']);
  });

  it('set back lets nothing pass early or start twice, and later each deadline once', () => {
    const { clock, passed } = waiting();
    clock.advance(50_000);
    clock.set(-2 * HOUR_MS);
    clock.advance(HOUR_MS);
    assert.deepEqual(passed, []);
    clock.advance(HOUR_MS + 40_000);
    assert.deepEqual(passed, ['soon']);
    clock.advance(2 * HOUR_MS);
    assert.deepEqual(passed, ['soon', 'late']);
  });

  it('set back under a daemon keeps no old answer alive: a Codex that is installed then is seen', async () => {
    const temporary = await temporaryDirectory();
    const clock = await makeSetClock(temporary.path);
    const program = join(temporary.path, 'codex');
    const offshoot = await makeOffshoot({
      environment: { ...clock.environment, OFFSHOOT_CODEX_PATH: program },
    });
    const isMissed = async () =>
      JSON.stringify(await offshoot.call('codex_status')).includes('codex_not_found');
    try {
      await offshoot.start();
      assert.ok(await isMissed());
      await clock.set(-HOUR_MS);
      await symlink(resolve('node_modules/.bin/codex'), program);
      while (await isMissed()) await delay(100);
    } finally {
      await offshoot.remove();
      await temporary.remove();
    }
  });
});
