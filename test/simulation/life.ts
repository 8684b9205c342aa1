import type { Clock } from '../../src/job/clock.js';
import type { Supervisor } from '../../src/job/supervisor.js';
import type { Timeline } from './timeline.js';

/**
 * One daemon, from its start to its death. What it waits for never comes once it is dead: that is all a
 * crash is, for the objects of a dead process do nothing more.
 */
export class Life {
  alive = true;
  /** Null until the supervisor has read the store. */
  supervisor: Supervisor | null = null;
  /** Instant, on the daemon's clock, at which the supervisor was there. */
  bootedAt = Number.POSITIVE_INFINITY;
  readonly clock: Clock;

  constructor(
    readonly timeline: Timeline,
    /** How far the machine's clock has jumped. */
    readonly jumped: () => number,
  ) {
    this.clock = {
      now: () => timeline.now + jumped(),
      setTimeout: (callback, milliseconds) => this.after(milliseconds, callback),
      clearTimeout: (timer) => timeline.cancel(timer),
    };
  }

  after(milliseconds: number, happen: () => void): unknown {
    return this.timeline.after(milliseconds, () => {
      if (this.alive) happen();
    });
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.after(milliseconds, resolve));
  }
}
