import { Bench } from 'tinybench';

/**
 * How often a second something small happens. `work` does it `times` over, so that the clock costs little
 * beside it.
 */
export async function rate(
  work: () => unknown,
  { times, milliseconds }: { times: number; milliseconds: number },
): Promise<number> {
  const bench = new Bench({ time: milliseconds, warmupTime: milliseconds / 10, throws: true });
  bench.add('work', work);
  await bench.run();
  const result = bench.tasks[0]?.result;
  if (result?.state !== 'completed') throw new Error('A measurement did not come to its end.');
  return (times * 1_000) / result.latency.mean;
}
