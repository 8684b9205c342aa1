/** A distribution in a few numbers. */
export interface Spread {
  count: number;
  min: number;
  p25: number;
  p50: number;
  p75: number;
  p95: number;
  p99: number;
  max: number;
}

/** The spread of at least one number. Between two samples a quantile is interpolated. */
export function spreadOf(samples: readonly number[]): Spread {
  if (samples.length === 0) throw new Error('There is no spread of nothing.');
  const sorted = [...samples].sort((one, other) => one - other);
  const at = (share: number) => {
    const position = share * (sorted.length - 1);
    const low = sorted[Math.floor(position)] as number;
    const high = sorted[Math.ceil(position)] as number;
    return low + (high - low) * (position - Math.floor(position));
  };
  return {
    count: sorted.length,
    min: at(0),
    p25: at(0.25),
    p50: at(0.5),
    p75: at(0.75),
    p95: at(0.95),
    p99: at(0.99),
    max: at(1),
  };
}

/** The ratios of samples that were taken in the same rounds: what slowed a round slowed both. */
export function ratioOf(samples: readonly number[], beside: readonly number[]): Spread {
  if (samples.length !== beside.length) throw new Error('What is compared must come from the same rounds.');
  return spreadOf(samples.map((sample, round) => sample / (beside[round] as number)));
}

/** How a figure moved between two runs. */
export interface Change {
  /** Median now, as a multiple of the median before. */
  ratio: number;
  /** The ratio's range, from the middle halves of both runs. */
  low: number;
  high: number;
  /** `same` when the range holds 1: then the two runs do not tell. Null where a run has too few samples for a range. */
  verdict: 'better' | 'worse' | 'same' | null;
}

/** Fewer samples have no middle half. */
const LEAST_SAMPLES = 3;

export function changeBetween(before: Spread, now: Spread, better: 'lower' | 'higher'): Change {
  const ratio = quotient(now.p50, before.p50);
  const low = quotient(now.p25, before.p75);
  const high = quotient(now.p75, before.p25);
  if (Math.min(before.count, now.count) < LEAST_SAMPLES) return { ratio, low, high, verdict: null };
  if (low <= 1 && high >= 1) return { ratio, low, high, verdict: 'same' };
  const rose = ratio > 1;
  return { ratio, low, high, verdict: rose === (better === 'higher') ? 'better' : 'worse' };
}

/** Nothing as a multiple of nothing is no change. */
const quotient = (now: number, before: number) => (now === before ? 1 : now / before);
