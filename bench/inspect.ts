import { setTimeout as delay } from 'node:timers/promises';
import type { Progress, RunOutput } from '../machines/job.js';
import { loadSettings } from '../src/config.js';
import { createFeed } from '../src/inspect/feed.js';
import { systemClock } from '../src/job/clock.js';
import { createSupervisor } from '../src/job/job-supervisor.js';
import type { Supervisor } from '../src/job/supervisor.js';
import type { StagePool } from '../src/pool/pool.js';
import { createMemoryStore } from '../src/store/memory.js';
import type { Context, Scenario } from './scenario.js';
import { interleave } from './support/rounds.js';
import { submissionFor } from './support/submission.js';

/** Threads report what an agent does at most this often. */
const REPORT_MS = 200;
const STATE_DIRECTORY = '/nonexistent';

export const inspect: Scenario = {
  name: 'inspect',
  title: 'What it costs to look on',
  describe:
    'Processor time while many agents at once report what they do, as often with as without onlookers and at most five times a second each, with a page that looks at all of them (the feed and its JSON), beside the same with nobody looking. No disk, no threads, no browser.',
  whyNotReached:
    'to look on may take a fixed share of the main thread, after which the feed slows down; beside reports of agents, which take 5 % of it for a thousand jobs, that is more than a tenth.',
  ownRepository: true,
  async run(context) {
    const jobs = context.quick ? 50 : 1_000;
    const swarm = await makeSwarm(context, jobs);
    const reports = context.quick ? 4 : 20;
    const samples = await interleave(context, {
      watched: () => watched(swarm, reports),
      unseen: () => processorTime(() => work(swarm, reports)),
    });
    return {
      measurements: [
        {
          name: `processor time, ${jobs} jobs at work and looked at`,
          unit: 'ms',
          better: 'lower',
          samples: samples.watched,
          beside: { name: 'nobody looks', samples: samples.unseen },
          targets: [{ of: 'ratio', is: 'at most', bound: 1.1 }],
        },
      ],
    };
  },
};

interface Swarm {
  supervisor: Supervisor;
  reporters: ((progress: Progress) => void)[];
}

/** Jobs that are all running, and for each what its thread would call. */
async function makeSwarm(context: Context, jobs: number): Promise<Swarm> {
  const reporters: Swarm['reporters'] = [];
  const worktree = { path: '/slot/wt', baselineCommit: 'c0ffee', warnings: [] };
  const pool = {
    run(stage, _input, { onProgress } = {}) {
      if (stage === 'worktree') return Promise.resolve({ ok: true, worktree });
      if (onProgress !== undefined) reporters.push(onProgress);
      return new Promise<RunOutput>(() => undefined);
    },
    close: async () => undefined,
  } as StagePool;
  const loaded = loadSettings({ HOME: STATE_DIRECTORY, OFFSHOOT_MAX_RUNNING: String(jobs) });
  if (!loaded.ok) throw new Error(loaded.fault.message);
  const supervisor = await createSupervisor({
    store: createMemoryStore(),
    pool,
    settings: loaded.value.settings,
    clock: systemClock,
    log: { error: () => undefined },
  });
  context.atEnd(() => supervisor.close());
  await supervisor.submit(
    Array.from({ length: jobs }, (_, index) => ({
      task: 'task',
      submission: submissionFor('/repository', `task ${index}`),
      argumentsHash: String(index),
    })),
  );
  while (reporters.length < jobs) {
    context.signal.throwIfAborted();
    await delay(5);
  }
  return { supervisor, reporters };
}

async function watched(swarm: Swarm, reports: number): Promise<number> {
  const feed = createFeed(swarm.supervisor, systemClock);
  let bytes = 0;
  feed.watch({
    send(frame) {
      bytes += JSON.stringify(frame).length;
      return true;
    },
  });
  // The first frames, with all jobs, are sent once a visit: they are no part of looking on.
  while (bytes === 0) await delay(5);
  const time = await processorTime(() => work(swarm, reports));
  feed.close();
  return time;
}

/** Has every agent report so many times. */
async function work({ reporters }: Swarm, reports: number): Promise<void> {
  for (let events = 1; events <= reports; events += 1) {
    const lastEventAt = Date.now();
    const activity = `runs a command, the ${events}th, of the length that such lines have`;
    for (const report of reporters) report({ events, lastEventAt, activity, usage: null });
    await delay(REPORT_MS);
  }
}

/** Milliseconds of processor time, of all threads. */
async function processorTime(action: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
