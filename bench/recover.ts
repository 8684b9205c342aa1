import type { Context, Measurement, Scenario } from './scenario.js';
import { fillQueue } from './support/filled-store.js';
import { limitOf, makeWorld } from './support/world.js';

export const recover: Scenario = {
  name: 'recover',
  title: 'How soon a daemon serves again after kill -9',
  describe:
    'From the start of a new daemon’s process to its first answer, with 100 to 10,000 jobs in the queue of the one that was killed, beside a start with an empty queue.',
  async run(context) {
    const counts = context.quick ? [10] : [100, 1_000, 10_000];
    const { measurements } = context;
    for (const count of counts) measurements.push(await restarts(context, count));
    return { measurements, notes: ['One agent runs on while the daemon is killed, and is taken up again.'] };
  },
};

async function restarts(context: Context, count: number): Promise<Measurement> {
  context.tell(`${count} queued`);
  const environment = { ...limitOf(1), OFFSHOOT_COMMAND: 'exec sleep 600' };
  const [full, empty] = [
    await makeWorld(context, { environment }),
    await makeWorld(context, { environment }),
  ];
  await fillQueue(full, count);
  const samples: { full: number[]; empty: number[] } = { full: [], empty: [] };
  for (let round = 0; round <= context.runs; round += 1) {
    for (const [name, world] of [
      ['full', full],
      ['empty', empty],
    ] as const) {
      const taken = await world.start();
      // The first start is no recovery: the store was made by hand.
      if (round > 0) samples[name].push(taken);
      await world.stop('kill -9');
    }
  }
  await Promise.all([full.remove(), empty.remove()]);
  return {
    name: `serves again, ${count} queued`,
    unit: 'ms',
    better: 'lower',
    samples: samples.full,
    beside: { name: 'empty queue', samples: samples.empty },
    ...(count === 10_000 && { target: { of: 'p50', is: 'at most', bound: 2_000 } as const }),
  };
}
