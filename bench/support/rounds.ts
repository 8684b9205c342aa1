import type { Context } from '../scenario.js';
import { shuffled } from './random.js';

/**
 * Takes one sample of each variant in each round, in an order that changes with the round, so that whatever
 * disturbs the machine disturbs all alike. A first round is thrown away: it warms caches up.
 */
export async function interleave<Variants extends Record<string, () => Promise<unknown>>>(
  { runs, quick, random, signal }: Pick<Context, 'runs' | 'quick' | 'random' | 'signal'>,
  variants: Variants,
): Promise<Samples<Variants>> {
  const names = Object.keys(variants);
  const samples: Record<string, unknown[]> = Object.fromEntries(names.map((name) => [name, []]));
  const warmUps = quick ? 0 : 1;
  for (let round = -warmUps; round < runs; round += 1) {
    for (const name of shuffled(names, random)) {
      signal.throwIfAborted();
      const sample = await variants[name]?.();
      if (round >= 0) samples[name]?.push(sample);
    }
  }
  return samples as Samples<Variants>;
}

type Samples<Variants extends Record<string, () => Promise<unknown>>> = {
  [Name in keyof Variants]: Awaited<ReturnType<Variants[Name]>>[];
};

/** How long something takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
