import type { Context, Measurement, Scenario } from './scenario.js';
import { type Call, limitOf, makeWorld, submit, type World } from './support/world.js';

export const wake: Scenario = {
  name: 'wake',
  title: 'How soon a waiting client hears that its job has ended',
  describe:
    'From the instant of the transition, as the job’s record tells it, to the answer of codex_job_wait in the client: the commit to disk lies between. With 1 waiter; with 1,000 waiters on a job each, of which one ends; and with 1,000 on the same job. The thousand share ten connections.',
  whyNotReached:
    'the commit of the transition to the disk lies in between, and it waits for the disk; a thousand answers then leave, and are read, one after the other.',
  whatProfileLedTo:
    'the garbage came first, so a wait makes no abort signal of its own any more, the last jobs that settled are at hand, answers that leave together leave in one write, and all whom the end of a job wakes get one answer, put into text once.',
  async run(context) {
    const world = await makeWorld(context, {
      environment: { ...limitOf(1), OFFSHOOT_COMMAND: 'exec sleep 600' },
    });
    await world.start();
    // The one permit is taken, so that the others wait in the queue until they are cancelled.
    await submit(world.call, world.repository, 'hold the permit');
    const many = context.quick ? 20 : 1_000;
    const { measurements } = context;
    measurements.push(await woken(context, world, { jobs: 1, waiters: 1 }));
    measurements.push(await woken(context, world, { jobs: many, waiters: many }));
    measurements.push(await woken(context, world, { jobs: 1, waiters: many }));
    await world.remove();
    return {
      measurements,
      notes: [
        'Records tell instants in whole milliseconds, rounded down: up to 1 ms of each figure is that.',
      ],
    };
  },
};

/** The waiters spread over the jobs evenly; in each round one job ends. */
async function woken(
  context: Context,
  world: World,
  { jobs, waiters }: { jobs: number; waiters: number },
): Promise<Measurement> {
  const samples: number[] = [];
  const rounds = context.quick ? context.runs : Math.max(context.runs, jobs === waiters ? 30 : 10);
  const connections: Call[] = [];
  for (let index = 0; index < Math.min(waiters, 10); index += 1) connections.push(await world.connect());
  const call = (index: number) => connections[index % connections.length] as Call;
  const ids = await submitMany(world, jobs);
  const waits = Array.from({ length: waiters }, (_, index) => wait(call(index), ids[index % jobs] as string));
  for (let round = 0; round < rounds; round += 1) {
    context.signal.throwIfAborted();
    // Answered in order with the waits of its connection, so that all of them are under way.
    await Promise.all(connections.map((each) => each('codex_job_status', { job_id: ids[0] })));
    const { since } = await world.call('codex_job_cancel', { job_id: ids.shift() });
    const wokenAt = await Promise.all(waits.splice(0, waiters / jobs));
    samples.push(...wokenAt.map((instant) => instant - Date.parse(since)));
    const [next] = await submitMany(world, 1);
    ids.push(next as string);
    for (let index = 0; index < waiters / jobs; index += 1) waits.push(wait(call(index), next as string));
  }
  const last = Promise.all(waits);
  await Promise.all(ids.map((id) => world.call('codex_job_cancel', { job_id: id })));
  await last;
  const many = waiters.toLocaleString('en');
  return {
    name: `transition to woken client, ${waiters === 1 ? '1 waiter' : `${many} waiters on ${jobs === 1 ? 'one job' : 'a job each'}`}`,
    unit: 'ms',
    better: 'lower',
    samples,
    targets: [{ of: 'p99', is: 'at most', bound: 10 }],
  };
}

const submitMany = (world: World, count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, () => submit(world.call, world.repository, 'to be cancelled')));

/** The instant, in milliseconds since the epoch, at which the wait was answered. */
async function wait(call: Call, id: string): Promise<number> {
  while ((await call('codex_job_wait', { job_ids: [id], timeout_seconds: 50 })).timed_out);
  return performance.timeOrigin + performance.now();
}
