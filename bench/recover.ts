import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context, Measurement, Scenario } from './scenario.js';
import { fillQueue } from './support/filled-store.js';
import { processesNaming } from './support/processes.js';
import { limitOf, makeWorld, type World } from './support/world.js';

const AGENT = 'sleep 600';

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
  const environment = { ...limitOf(1), OFFSHOOT_COMMAND: `exec ${AGENT}` };
  const [full, empty] = [
    await makeWorld(context, { environment }),
    await makeWorld(context, { environment }),
  ];
  const [first = ''] = await fillQueue(full, count);
  let agent: number | null = null;
  const samples: { full: number[]; empty: number[] } = { full: [], empty: [] };
  for (let round = 0; round <= context.runs; round += 1) {
    for (const [name, world] of [
      ['full', full],
      ['empty', empty],
    ] as const) {
      const taken = await world.start();
      // The first start is no recovery: the store was made by hand.
      if (round > 0) samples[name].push(taken);
      if (world === full) agent = await agentOf(context, world, first, agent);
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
    ...(count === 10_000 && { targets: [{ of: 'p50', is: 'at most', bound: 2_000 }] as const }),
  };
}

/** Waits for the job's agent and answers its process: the one that it had `before`, if any. */
async function agentOf(
  context: Context,
  { call, stateDir }: World,
  jobId: string,
  before: number | null,
): Promise<number> {
  for (;;) {
    context.signal.throwIfAborted();
    const { status } = await call('codex_job_status', { job_id: jobId });
    const [agent, ...others] = await processesOf(`${stateDir}/jobs/${jobId}/`, AGENT);
    if (status === 'running' && agent !== undefined) {
      if (others.length > 0 || (before ?? agent) !== agent)
        throw new Error('The agent was not taken up again.');
      return agent;
    }
    await delay(5);
  }
}

/** Processes that have `text` in their environment, and run these words. */
async function processesOf(text: string, words: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of await processesNaming(text)) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (line.replaceAll('\0', ' ').trimEnd() === words) found.push(pid);
  }
  return found;
}
