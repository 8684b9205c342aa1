import type { Context, Measurement, Scenario } from './scenario.js';
import { type Call, limitOf, makeWorld, submit, type World } from './support/world.js';

export const wake: Scenario = {
  name: 'wake',
  title: 'How soon a waiting client hears that its job has ended',
  describe:
    'From the instant of the transition, as the job’s record tells it, to the answer of codex_job_wait in the client: the commit to disk lies between. With 1 waiter, and with 1,000 on one job over ten connections.',
  whyNotReached:
    'the commit of the transition to the disk lies in between, and it waits for the disk; a thousand answers then leave one after the other.',
  async run(context) {
    const world = await makeWorld(context, {
      environment: { ...limitOf(1), OFFSHOOT_COMMAND: 'exec sleep 600' },
    });
    await world.start();
    // The one slot is taken, so that the others wait in the queue until they are cancelled.
    await submit(world.call, world.repository, 'hold the slot');
    const measurements: Measurement[] = [];
    for (const waiters of context.quick ? [1, 20] : [1, 1_000])
      measurements.push(await woken(context, world, waiters));
    await world.remove();
    return {
      measurements,
      notes: [
        'Records tell instants in whole milliseconds, rounded down: up to 1 ms of each figure is that.',
      ],
    };
  },
};

async function woken(context: Context, world: World, waiters: number): Promise<Measurement> {
  const samples: number[] = [];
  const rounds = waiters === 1 && !context.quick ? Math.max(context.runs, 30) : context.runs;
  const connections: Call[] = [];
  for (let index = 0; index < Math.min(waiters, 10); index += 1) connections.push(await world.connect());
  for (let round = 0; round < rounds; round += 1) {
    context.signal.throwIfAborted();
    const id = await submit(world.call, world.repository, 'to be cancelled');
    const waits = Array.from({ length: waiters }, (_, index) =>
      wait(connections[index % connections.length] as Call, id),
    );
    // Answered in order with the waits of its connection, so that all of them are under way.
    await Promise.all(connections.map((call) => call('codex_job_status', { job_id: id })));
    const { since } = await world.call('codex_job_cancel', { job_id: id });
    const wokenAt = await Promise.all(waits);
    samples.push(...wokenAt.map((instant) => instant - Date.parse(since)));
  }
  return {
    name: `transition to woken client, ${waiters} ${waiters === 1 ? 'waiter' : 'waiters'}`,
    unit: 'ms',
    better: 'lower',
    samples,
    target: { of: 'p99', is: 'at most', bound: 10 },
  };
}

/** The instant, in milliseconds since the epoch, at which the wait was answered. */
async function wait(call: Call, id: string): Promise<number> {
  await call('codex_job_wait', { job_ids: [id], timeout_seconds: 50 });
  return performance.timeOrigin + performance.now();
}
