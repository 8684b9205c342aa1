import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Scenario } from './scenario.js';
import { makeWorld, settled, submit, type World } from './support/world.js';

/** What the supervisor leaves an agent that does not obey, and room for a loaded machine, in milliseconds. */
const GRACE_BOUND = 6_500;

const agents = {
  'that obeys': 'read -r task; echo up; exec sleep 600',
  'that ignores SIGTERM': "read -r task; trap '' TERM INT HUP; echo up; while :; do sleep 1; done",
} as const;

export const cancel: Scenario = {
  name: 'cancel',
  title: 'How soon a cancelled job’s processes are dead',
  describe:
    'From the call of codex_job_cancel until no process of the job is left on the machine: an agent that ends on SIGTERM, and one that ignores it and is killed when its grace of 5 s is over.',
  async run(context) {
    const [obeys, ignores] = [
      await makeWorld(context, { environment: { OFFSHOOT_COMMAND: agents['that obeys'] } }),
      await makeWorld(context, { environment: { OFFSHOOT_COMMAND: agents['that ignores SIGTERM'] } }),
    ];
    const samples = { obeys: [] as number[], ignores: [] as number[] };
    for (const world of [obeys, ignores]) await world.start();
    for (let round = 0; round < context.runs; round += 1) {
      samples.obeys.push(await cancelOne(obeys));
      // Five seconds each: a few are enough, for they differ little.
      if (round < 3) samples.ignores.push(await cancelOne(ignores));
    }
    return {
      measurements: [
        {
          name: 'an agent that obeys',
          unit: 'ms',
          better: 'lower',
          samples: samples.obeys,
          targets: [{ of: 'p50', is: 'at most', bound: 100 }],
        },
        {
          name: 'an agent that ignores SIGTERM',
          unit: 'ms',
          better: 'lower',
          samples: samples.ignores,
          targets: [{ of: 'max', is: 'at most', bound: GRACE_BOUND }],
        },
      ],
    };
  },
};

async function cancelOne({ call, repository, stateDir }: World): Promise<number> {
  const id = await submit(call, repository, 'wait');
  while ((await call('codex_job_status', { job_id: id })).activity !== 'up') await delay(5);
  const start = performance.now();
  await call('codex_job_cancel', { job_id: id });
  while (await lives(`${stateDir}/jobs/${id}/`)) await delay(1);
  const taken = performance.now() - start;
  await settled(call, id);
  return taken;
}

/** True while a process carries the directory of its job in its environment. */
async function lives(jobDirectory: string): Promise<boolean> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const variables = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '');
    if (variables.includes(jobDirectory)) return true;
  }
  return false;
}
