import type { Clock } from './clock.js';

/** Decides when work that calls keep asking for is done: `atOnce`, or `afterBursts`. */
export type Timing = (work: () => void) => () => void;

export const atOnce: Timing = (work) => work;

/** No call for so long: the burst is over. */
const CALM_MS = 15;
/** A burst that does not end holds the work up no longer than this, and as long as calm takes. */
const LONGEST_MS = 85;

/** A call that comes alone has the work done at once; those of a burst have it done once, when the burst is over. */
export const afterBursts =
  (clock: Clock): Timing =>
  (work) => {
    let lastCall = Number.NEGATIVE_INFINITY;
    let burst: { since: number; timer: unknown } | null = null;
    const end = () => {
      burst = null;
      work();
    };
    return () => {
      const now = clock.now();
      const alone = apart(now, lastCall) > CALM_MS;
      lastCall = now;
      if (burst === null && alone) return work();
      burst ??= { since: now, timer: undefined };
      if (apart(now, burst.since) > LONGEST_MS) return;
      clock.clearTimeout(burst.timer);
      burst.timer = clock.setTimeout(end, CALM_MS);
    };
  };

/** A clock that was put back tells of no burst, and prolongs none. */
const apart = (one: number, other: number): number => Math.abs(one - other);
