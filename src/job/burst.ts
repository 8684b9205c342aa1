import type { Clock } from './clock.js';

/** Work that those who come ask for. */
export interface Timed {
  /** So many come at once, each of whom will ask or go away. */
  expect(count: number): void;
  ask(): void;
}

/** Decides when the work is done: `atOnce`, or `afterBursts`. */
export type Timing = (work: () => void) => Timed;

export const atOnce: Timing = (work) => ({ expect: () => undefined, ask: work });

/** Nobody came for so long: the burst is over. */
const CALM_MS = 15;
/** A burst that does not end holds the work up no longer than this, and as long as calm takes. */
const LONGEST_MS = 85;

/** Who comes alone has the work done at once; for those of a burst it is done once, when the burst is over. */
export const afterBursts =
  (clock: Clock): Timing =>
  (work) => {
    let lastCame = Number.NEGATIVE_INFINITY;
    let burst: { since: number; timer: unknown } | null = null;
    const end = () => {
      burst = null;
      work();
    };
    return {
      expect(count) {
        const now = clock.now();
        const alone = count <= 1 && apart(now, lastCame) > CALM_MS;
        lastCame = now;
        if (burst === null && alone) return;
        burst ??= { since: now, timer: undefined };
        if (apart(now, burst.since) > LONGEST_MS) return;
        clock.clearTimeout(burst.timer);
        burst.timer = clock.setTimeout(end, CALM_MS);
      },
      ask() {
        if (burst === null) work();
      },
    };
  };

/** A clock that was put back tells of no burst, and prolongs none. */
const apart = (one: number, other: number): number => Math.abs(one - other);
