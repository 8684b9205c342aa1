import { setTimeout as delay } from 'node:timers/promises';
import type { Context, Measurement, Scenario } from './scenario.js';
import { memoryOf } from './support/processes.js';
import { limitOf, makeWorld, submit, type World } from './support/world.js';

export const memory: Scenario = {
  name: 'memory',
  title: 'How much memory the daemon needs',
  describe:
    'Resident memory of the daemon with 0 to 100,000 jobs in its queue, submitted over its socket, and what each of them adds.',
  whyNotReached:
    'about 105 MB are there before the first job: Node itself, and three isolates or more (main, pool threads, the store) with their libraries. The rest is what the collector has not yet given back after the submissions.',
  async run(context) {
    const counts = context.quick ? [0, 50] : [0, 100, 1_000, 10_000, 100_000];
    const world = await makeWorld(context, {
      environment: { ...limitOf(1), OFFSHOOT_COMMAND: 'exec sleep 600' },
    });
    await world.start();
    await world.call('codex_status');
    const { measurements } = context;
    let queued = 0;
    let before: number | null = null;
    for (const count of counts) {
      context.tell(`${count} queued`);
      await submitMany(world, count - queued);
      const samples = await lookAtRest(context, world);
      measurements.push({
        name: `resident, ${count} queued`,
        unit: 'MB',
        better: 'lower',
        samples,
        ...targetsOf(count),
      });
      const least = Math.min(...samples);
      if (before !== null) measurements.push(perJob(count, least - before, count - queued));
      queued = count;
      before = least;
    }
    await world.remove();
    return { measurements };
  },
};

const bounds: Record<number, number> = { 10000: 150, 100000: 400 };

function targetsOf(count: number): Pick<Measurement, 'targets'> {
  const bound = bounds[count];
  return bound === undefined ? {} : { targets: [{ of: 'p50', is: 'at most', bound }] };
}

const perJob = (count: number, addedMB: number, jobs: number): Measurement => ({
  name: `added by each job up to ${count}`,
  unit: 'KB',
  better: 'lower',
  samples: [Math.max(0, (addedMB * 1_024) / jobs)],
});

const AT_ONCE = 100;

async function submitMany(world: World, count: number): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    const batch = Math.min(AT_ONCE, count - done);
    await Promise.all(
      Array.from({ length: batch }, (_, index) =>
        submit(world.call, world.repository, `task ${done + index}`),
      ),
    );
  }
}

/** Memory over some seconds in which nothing is asked: the collector has its turn or has not. */
async function lookAtRest(context: Context, world: World): Promise<number[]> {
  const samples: number[] = [];
  for (let look = 0; look < context.runs; look += 1) {
    await delay(context.quick ? 20 : 500);
    samples.push((await memoryOf(world.pid())).residentMB);
  }
  return samples;
}
