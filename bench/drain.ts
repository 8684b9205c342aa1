import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadSettings } from '../src/config.js';
import { systemClock } from '../src/job/clock.js';
import { createSupervisor } from '../src/job/job-supervisor.js';
import { stateLayout } from '../src/job/layout.js';
import type { StagePool } from '../src/pool/pool.js';
import type { Context, Scenario } from './scenario.js';
import { fillQueue, openStore } from './support/filled-store.js';
import { stageOutputs } from './support/stage-outputs.js';

const RUNNING = 200;
/** Looks are rare: each counts the jobs of the whole store. */
const LOOK_MS = 250;

export const drain: Scenario = {
  name: 'drain',
  title: 'A long queue, to its end',
  describe:
    'A queue of 100,000 jobs of one client, found in the store as after a restart, and worked off with 200 at once: jobs a second, whether they started in their order, and whether all of them are recorded as done. The supervisor, its actors and the store on the disk are real; the stages are played and answer at once, because 100,000 agents would take hours.',
  ownRepository: true,
  async run(context) {
    const jobs = context.quick ? 300 : 100_000;
    context.tell(`${jobs} jobs`);
    const { seconds, outOfTurn, done } = await drained(context, jobs);
    return {
      measurements: [
        { name: `jobs drained of ${jobs}`, unit: '/s', better: 'higher', samples: [jobs / seconds] },
        {
          name: 'jobs that started before one that was ahead of them',
          unit: 'count',
          better: 'lower',
          samples: [outOfTurn],
          targets: [{ of: 'max', is: 'at most', bound: 0 }],
        },
        {
          name: 'jobs not recorded as done',
          unit: 'count',
          better: 'lower',
          samples: [jobs - done],
          targets: [{ of: 'max', is: 'at most', bound: 0 }],
        },
      ],
      notes: ['One round.'],
    };
  },
};

async function drained(context: Context, jobs: number) {
  const stateDir = join(context.directory, 'state');
  const ids = await fillQueue({ repository: context.directory, stateDir }, jobs);
  const store = await openStore(stateLayout(stateDir).store);
  context.atEnd(() => store.close());
  const started: string[] = [];
  const pool = {
    run: async (stage, input) => {
      if (stage === 'worktree') started.push((input as { jobId: string }).jobId);
      return stageOutputs[stage as keyof typeof stageOutputs];
    },
    close: async () => undefined,
  } as StagePool;
  const loaded = loadSettings({
    HOME: context.directory,
    OFFSHOOT_STATE_DIR: stateDir,
    OFFSHOOT_MAX_RUNNING: String(RUNNING),
  });
  if (!loaded.ok) throw new Error(loaded.fault.message);
  const begun = performance.now();
  const { settings } = loaded.value;
  const log = { error: () => undefined };
  const supervisor = await createSupervisor({ store, pool, settings, clock: systemClock, log });
  context.atEnd(() => supervisor.close());
  for (let ended = 0; ended < jobs; await delay(LOOK_MS)) {
    context.signal.throwIfAborted();
    const { done, failed, cancelled, expired } = await supervisor.countByState();
    ended = done + failed + cancelled + expired;
  }
  const seconds = (performance.now() - begun) / 1_000;
  const { done } = await supervisor.countByState();
  return { seconds, outOfTurn: outOfTurn(started, ids), done };
}

/** How many of `started` came before one that stands ahead of them in `order`. */
function outOfTurn(started: readonly string[], order: readonly string[]): number {
  const places = new Map(order.map((id, place) => [id, place]));
  let least = Number.POSITIVE_INFINITY;
  let count = 0;
  for (const id of started.toReversed()) {
    const place = places.get(id) ?? -1;
    if (place > least) count += 1;
    else least = place;
  }
  return count;
}
