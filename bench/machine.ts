import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createActor, fromPromise, waitFor } from 'xstate';
import { jobMachine, type RunOutput } from '../machines/job.js';
import { provideActors } from '../src/job/actors.js';
import { systemClock } from '../src/job/clock.js';
import { LiveJob, type LiveJobNeeds } from '../src/job/live-job.js';
import type { JobRecord } from '../src/job/record.js';
import type { StageName } from '../src/pool/messages.js';
import type { StagePool } from '../src/pool/pool.js';
import { createMemoryStore } from '../src/store/memory.js';
import type { Context, Measurement, Scenario } from './scenario.js';
import { queuedJob } from './support/filled-store.js';
import { rate } from './support/micro.js';
import { interleave, timed } from './support/rounds.js';
import { stageOutputs } from './support/stage-outputs.js';

export const machine: Scenario = {
  name: 'machine',
  title: 'What a live job costs beside its statechart',
  describe:
    'Whole lives of jobs, progress events, restores and memory of live jobs (actor, records and journal; no disk, stages that answer at once), beside the bare XState actor of the same machine.',
  whyNotReached:
    'each transition of a job makes a record and a journal entry, and waits until they are kept; the bare actor forgets.',
  whatProfileLedTo:
    'the machine is provided once for all jobs, and a job knows its events by itself instead of by XState’s inspection.',
  ownRepository: true,
  async run(context) {
    const { measurements } = context;
    for (const measure of [lives, progress, restores, bytes]) measurements.push(await measure(context));
    return { measurements };
  },
};

const pool = {
  run: async (stage: StageName) => stageOutputs[stage as keyof typeof stageOutputs],
  close: async () => undefined,
} as StagePool;

const jobs = new Map<string, LiveJob>();
const jobOf = (jobId: string): LiveJob => {
  const job = jobs.get(jobId);
  if (job === undefined) throw new Error('There is no such job.');
  return job;
};

/** A job whose actors will look for it. */
const known = (job: LiveJob): LiveJob => {
  jobs.set(job.id, job);
  return job;
};

const needs: LiveJobNeeds = {
  machine: provideActors(pool, jobOf),
  // A store that costs nothing, so that what is left is ours.
  store: { ...createMemoryStore(), save: async () => true, task: async () => 'task' },
  clock: systemClock,
  closed: new AbortController().signal,
  backendFor: () => 'command',
  resultTtlSeconds: 60,
  announces: false,
  changed: () => undefined,
  deadlinePassed: () => undefined,
  inspected: () => undefined,
  trouble: (_, problem) => {
    throw problem;
  },
};

const bareMachine = jobMachine.provide({
  actors: {
    worktree: fromPromise(async () => stageOutputs.worktree),
    run: fromPromise(async () => stageOutputs.run),
    diff: fromPromise(async () => stageOutputs.diff),
  },
  actions: { stopStage: () => undefined },
});

const records = (count: number): JobRecord[] =>
  Array.from({ length: count }, (_, index) => queuedJob('/repository', index + 1).record);

const besideBare = (
  name: string,
  { ours, bare }: { ours: number[]; bare: number[] },
  unit: '/s' | 'KB' = '/s',
): Measurement => ({
  name,
  unit,
  better: unit === '/s' ? 'higher' : 'lower',
  samples: ours,
  beside: { name: 'bare XState', samples: bare },
  targets: [
    unit === '/s'
      ? { of: 'ratio', is: 'at least', bound: 0.7 }
      : // The same share, seen from the side of what it costs.
        { of: 'ratio', is: 'at most', bound: 1 / 0.7 },
  ],
});

/** From `queued` to `done`. */
async function lives(context: Context): Promise<Measurement> {
  const count = context.quick ? 20 : 1_000;
  const perSecond = async (live: (record: JobRecord) => Promise<unknown>) => {
    const fresh = records(count);
    return (count * 1_000) / (await timed(() => Promise.all(fresh.map(live))));
  };
  return besideBare(
    'lives, queued to done',
    await interleave(context, {
      ours: () =>
        perSecond((record) => {
          const job = known(new LiveJob(record, needs));
          job.send({ type: 'job.admitted' });
          return job.ended;
        }),
      bare: () =>
        perSecond(({ id }) => {
          const actor = createActor(bareMachine, { input: { jobId: id } });
          actor.start().send({ type: 'job.admitted' });
          return waitFor(actor, (snapshot) => snapshot.status === 'done');
        }),
    }),
  );
}

const EVENTS_AT_ONCE = 100;

/** What an agent's events cost in the main thread, after a thread has read and coalesced them. */
async function progress(context: Context): Promise<Measurement> {
  const [record] = records(1) as [JobRecord];
  const running = {
    ...record,
    state: 'running' as const,
    deadlineAt: Date.now() + 3_600_000,
    context: {
      ...record.context,
      worktree: stageOutputs.worktree.ok ? stageOutputs.worktree.worktree : null,
    },
  };
  const never = new Promise<RunOutput>(() => undefined);
  const waiting = provideActors({ ...pool, run: () => never as Promise<never> }, jobOf);
  const job = known(new LiveJob(running, { ...needs, machine: waiting }));
  const actor = createActor(bareMachine.provide({ actors: { run: fromPromise(() => never) } }), {
    input: { jobId: record.id },
    snapshot: bareMachine.resolveState({ value: { active: 'running' }, context: running.context }),
  }).start();
  let events = 0;
  const burst = (send: (event: Parameters<typeof job.send>[0]) => void) => () => {
    for (let index = 0; index < EVENTS_AT_ONCE; index += 1) {
      events += 1;
      send({
        type: 'run.progress',
        progress: { events, lastEventAt: events, activity: 'works', usage: null },
      });
    }
  };
  const milliseconds = context.quick ? 10 : 300;
  const samples = await interleave(context, {
    ours: () =>
      rate(
        burst((event) => job.send(event)),
        { times: EVENTS_AT_ONCE, milliseconds },
      ),
    bare: () =>
      rate(
        burst((event) => actor.send(event)),
        { times: EVENTS_AT_ONCE, milliseconds },
      ),
  });
  job.abandon();
  actor.stop();
  return besideBare('progress events', samples);
}

async function restores(context: Context): Promise<Measurement> {
  const count = context.quick ? 20 : 2_000;
  const stored = records(count);
  const perSecond = async (restore: (record: JobRecord) => { stop(): void }) => {
    const start = performance.now();
    const restored = stored.map(restore);
    const wall = performance.now() - start;
    for (const each of restored) each.stop();
    return (count * 1_000) / wall;
  };
  return besideBare(
    'restores of queued jobs',
    await interleave(context, {
      ours: () =>
        perSecond((record) => {
          const job = known(new LiveJob(record, needs));
          return { stop: () => job.abandon() };
        }),
      bare: () =>
        perSecond(({ id, context: restored }) => {
          const snapshot = bareMachine.resolveState({ value: { active: 'queued' }, context: restored });
          return createActor(bareMachine, { input: { jobId: id }, snapshot }).start();
        }),
    }),
  );
}

/** Memory of a live job that waits, its record included on both sides. */
async function bytes(context: Context): Promise<Measurement> {
  const count = context.quick ? 100 : 10_000;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const kilobytesEach = async (make: (record: JobRecord) => unknown) => {
    collect();
    const before = process.memoryUsage().heapUsed;
    const made = records(count).map((record) => ({ record, live: make(record) }));
    collect();
    const added = process.memoryUsage().heapUsed - before;
    // Used after the measurement, so that nothing is collected before it.
    return made.length === 0 ? 0 : added / 1_024 / made.length;
  };
  return besideBare(
    'memory of a live job',
    await interleave(context, {
      ours: () => kilobytesEach((record) => known(new LiveJob(record, needs))),
      bare: () => kilobytesEach(({ id }) => createActor(bareMachine, { input: { jobId: id } }).start()),
    }),
    'KB',
  );
}
