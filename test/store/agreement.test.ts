import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { type JobRecord, jobStates } from '../../src/job/record.js';
import { createMemoryStore } from '../../src/store/memory.js';
import type { NewJob, Store } from '../../src/store/store.js';
import { storeFiles } from '../support/store-files.js';
import { entryOf, jobId, moved, NOW, newJob } from '../support/store-jobs.js';

const files = storeFiles();
after(files.clean);

const JOBS = 10;
const texts = ['a', 'a\0', 'b\ud800'];

const sequence = fc.integer({ min: 1, max: JOBS });
const instant = fc.integer({ min: NOW, max: NOW + 5 });
const limit = fc.integer({ min: 0, max: JOBS });
const job = fc
  .record({
    sequence,
    repository: fc.constantFrom(...texts),
    label: fc.constantFrom(null, ...texts),
    key: fc.constantFrom(null, null, ...texts),
    argumentsHash: fc.constantFrom('one', 'other'),
    task: fc.string({ unit: 'binary' }),
  })
  .map(({ sequence, ...particulars }) => newJob(sequence, particulars));

/** A call of the store, made of plain values so that a failure prints what was called. */
type Call = { [Name in keyof Store]: [name: Name, ...parameters: Parameters<Store[Name]>] }[keyof Store];

/** What is saved is the record that was accepted, moved: clients choose the rest once. */
type Step = Call | ['move', sequence: number, state: JobRecord['state'], expiresAt: number];

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('create' as const), fc.array(job, { maxLength: 3 })) },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constant('move' as const), sequence, fc.constantFrom(...jobStates), instant),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant('remove' as const), sequence.map(jobId), instant) },
  fc.tuple(fc.constant('forgetKeys' as const), instant),
  fc.tuple(fc.constantFrom('get' as const, 'task' as const, 'journal' as const), sequence.map(jobId)),
  fc.tuple(fc.constant('startedBy' as const), fc.constantFrom(...texts)),
  fc.tuple(fc.constant('expired' as const), instant, limit),
  fc.tuple(fc.constant('announced' as const), sequence.map(jobId)),
  fc.tuple(
    fc.constantFrom(
      'unsettled' as const,
      'takeUnannounced' as const,
      'countByState' as const,
      'lastSequence' as const,
    ),
  ),
  fc.tuple(
    fc.constant('list' as const),
    fc.record(
      {
        repository: fc.constantFrom(...texts),
        state: fc.constantFrom(...jobStates),
        label: fc.constantFrom(...texts),
        before: sequence,
        limit,
      },
      { requiredKeys: ['limit'] },
    ),
  ),
);

interface Model {
  memory: Store;
  accepted: Map<number, NewJob>;
}

interface Real {
  path: string;
  sqlite: Store;
}

const perform = (store: Store, [name, ...parameters]: Call): Promise<unknown> =>
  (store[name] as (...parameters: unknown[]) => Promise<unknown>)(...parameters);

/** Several calls at once, which SQLite may commit together. */
class Burst implements fc.AsyncCommand<Model, Real> {
  readonly #steps: readonly Step[];

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  check = () => true;
  toString = () => JSON.stringify(this.#steps);

  async run(model: Model, real: Real): Promise<void> {
    const calls = this.#steps.map((step) => callOf(step, model));
    const [expected, actual] = await Promise.all(
      [model.memory, real.sqlite].map((store) =>
        Promise.allSettled(calls.map((call) => perform(store, call))),
      ),
    );
    assert.deepEqual(actual?.map(comparable), expected?.map(comparable));
  }
}

class Reopen implements fc.AsyncCommand<Model, Real> {
  check = () => true;
  toString = () => 'reopen';

  async run(_: Model, real: Real): Promise<void> {
    await real.sqlite.close();
    real.sqlite = await files.open(real.path);
  }
}

function callOf(step: Step, { accepted }: Model): Call {
  if (step[0] === 'create') {
    for (const job of step[1]) if (!accepted.has(job.record.sequence)) accepted.set(job.record.sequence, job);
  }
  if (step[0] !== 'move') return step;
  const [, sequence, state, expiresAt] = step;
  const { record } = accepted.get(sequence) ?? newJob(sequence);
  return ['save', moved(record, state, expiresAt), entryOf(state)];
}

/** The two word their errors differently. */
const comparable = (result: PromiseSettledResult<unknown>) =>
  result.status === 'fulfilled' ? { answer: result.value } : 'rejected';

test('SQLite and memory give the same answers to whatever is asked of them, in whatever order', async () => {
  const burst = fc.array(step, { minLength: 1, maxLength: 8 }).map((steps) => new Burst(steps));
  const commands = fc.commands([burst, burst, burst, burst, burst, burst, fc.constant(new Reopen())], {
    maxCommands: 25,
  });
  await fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      const path = files.freshPath();
      const real: Real = { path, sqlite: await files.open(path) };
      const model: Model = { memory: createMemoryStore(), accepted: new Map() };
      await fc.asyncModelRun(() => ({ model, real }), commands);
      await real.sqlite.close();
    }),
    // A failure is printed with its seed at once: to make it smaller takes minutes, of a machine that is shared.
    { numRuns: 25, endOnFailure: true },
  );
});
