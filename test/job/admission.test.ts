import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { type Admission, type Applicant, createAdmission, type Limits } from '../../src/job/admission.js';

const REPOSITORIES = ['a', 'b', 'c'] as const;
const CLIENTS = ['x', 'y'] as const;

interface ModelJob {
  id: string;
  repository: string;
  client: string;
  state: 'waiting' | 'running' | 'ended';
}

interface Model {
  limits: Limits;
  /** In the order in which they came. */
  jobs: ModelJob[];
  paused: boolean;
}

interface Real {
  admission: Admission;
  /** Jobs that have a permit, in the order in which they got it, with what gives it back. */
  running: Map<string, () => void>;
}

type Of = Partial<Pick<ModelJob, 'repository' | 'client'>>;

const those = (state: ModelJob['state'], { jobs }: Model, of: Of = {}) =>
  jobs.filter(
    (job) =>
      job.state === state &&
      (of.repository === undefined || job.repository === of.repository) &&
      (of.client === undefined || job.client === of.client),
  );
const running = (model: Model, of?: Of) => those('running', model, of).length;
const waiting = (model: Model, of?: Of) => those('waiting', model, of);

const applicant = ({ id, repository, client }: Omit<ModelJob, 'state'>): Applicant => ({
  jobId: id,
  repository,
  client,
  rank: 0,
  sequence: Number(id),
});

const mayStart = (model: Model, { repository, client }: ModelJob) =>
  running(model) < model.limits.maxRunning &&
  running(model, { repository }) < model.limits.maxRunningPerRepo &&
  running(model, { client }) < model.limits.maxRunningPerClient;

/** Takes what the queues have started into the model, each start under its rules, and finds nothing undone. */
async function agree(model: Model, real: Real): Promise<void> {
  await turn();
  const { limits, jobs } = model;
  for (const id of real.running.keys()) {
    const job = jobs.find((candidate) => candidate.id === id);
    assert.ok(job, 'only a known job starts');
    if (job.state === 'running') continue;
    assert.equal(job.state, 'waiting', 'a job starts once');
    assert.equal(model.paused, false, 'nothing starts while admission is paused');
    const { repository, client } = job;
    assert.equal(waiting(model, { repository, client })[0]?.id, id, "a client's jobs start in order");
    job.state = 'running';
    assert.ok(running(model) <= limits.maxRunning, 'no start above the limit');
    assert.ok(running(model, { repository }) <= limits.maxRunningPerRepo, 'nor above that of a repository');
    assert.ok(running(model, { client }) <= limits.maxRunningPerClient, 'nor above that of a client');
  }
  for (const job of jobs.filter(({ state }) => state === 'running')) assert.ok(real.running.has(job.id));
  const idle = waiting(model).find((job) => mayStart(model, job));
  assert.ok(model.paused || idle === undefined, 'no job waits that may start');
}

class Enqueue implements fc.AsyncCommand<Model, Real> {
  constructor(
    readonly repository: string,
    readonly client: string,
  ) {}
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const { repository, client } = this;
    const job = { id: String(model.jobs.length), repository, client };
    model.jobs.push({ ...job, state: 'waiting' });
    real.admission.enqueue(applicant(job));
    await agree(model, real);
  }
  toString = () => `enqueue(${this.repository}, ${this.client})`;
}

class End implements fc.AsyncCommand<Model, Real> {
  constructor(readonly which: number) {}
  check = (model: Readonly<Model>) => running(model as Model) > 0;
  async run(model: Model, real: Real): Promise<void> {
    const candidates = model.jobs.filter(({ state }) => state === 'running');
    const job = candidates[this.which % candidates.length];
    assert.ok(job);
    job.state = 'ended';
    const end = real.running.get(job.id);
    real.running.delete(job.id);
    end?.();
    await agree(model, real);
  }
  toString = () => `end(${this.which})`;
}

class Withdraw implements fc.AsyncCommand<Model, Real> {
  constructor(readonly which: number) {}
  check = (model: Readonly<Model>) => waiting(model as Model).length > 0;
  async run(model: Model, real: Real): Promise<void> {
    const candidates = waiting(model);
    const job = candidates[this.which % candidates.length];
    assert.ok(job);
    job.state = 'ended';
    real.admission.withdraw(applicant(job));
    await agree(model, real);
  }
  toString = () => `withdraw(${this.which})`;
}

class Pause implements fc.AsyncCommand<Model, Real> {
  check = (model: Readonly<Model>) => !model.paused;
  async run(model: Model, real: Real): Promise<void> {
    model.paused = true;
    real.admission.pause();
    await agree(model, real);
  }
  toString = () => 'pause';
}

function open(limits: Limits): { model: Model; real: Real } {
  const permits = new Map<string, () => void>();
  const start = (id: string) => new Promise<void>((resolve) => permits.set(id, resolve));
  const real = { admission: createAdmission(limits, start), running: permits };
  return { model: { limits, jobs: [], paused: false }, real };
}

const limits = fc.record({
  maxRunning: fc.integer({ min: 1, max: 6 }),
  maxRunningPerRepo: fc.integer({ min: 1, max: 6 }),
  maxRunningPerClient: fc.integer({ min: 1, max: 12 }),
  clientLimits: fc.constant({}),
});
const place = fc.record({
  repository: fc.constantFrom(...REPOSITORIES),
  client: fc.constantFrom(...CLIENTS),
});
const enqueue = place.map(({ repository, client }) => new Enqueue(repository, client));
const commands = fc.commands(
  [
    enqueue,
    enqueue,
    fc.nat(20).map((which) => new End(which)),
    fc.nat(20).map((which) => new End(which)),
    fc.nat(20).map((which) => new Withdraw(which)),
    fc.constant(new Pause()),
  ],
  { maxCommands: 60 },
);

describe('admission, against a model', () => {
  it('keeps the order and the limits, and lets no job wait that may start', async () => {
    await fc.assert(
      // What ran before: a supervisor gives these their permits before it lets anything else in line.
      fc.asyncProperty(limits, fc.array(place, { maxLength: 8 }), commands, async (some, before, run) => {
        const { model, real } = open(some);
        for (const [index, where] of before.entries()) {
          const job = { id: String(index), ...where };
          model.jobs.push({ ...job, state: 'running' });
          real.admission.occupy(applicant(job));
        }
        await turn();
        assert.equal(real.running.size, before.length, 'who runs already has a permit at once');
        await fc.asyncModelRun(() => ({ model, real }), run);
      }),
      { numRuns: 300 },
    );
  });

  it('counts jobs that run already against the limit of their repository', async () => {
    const { real } = open({ maxRunning: 8, maxRunningPerRepo: 2, maxRunningPerClient: 8, clientLimits: {} });
    const job = (id: string) => applicant({ id, repository: 'a', client: 'x' });
    for (const id of ['1', '2', '3']) real.admission.occupy(job(id));
    for (const id of ['4', '5']) real.admission.enqueue(job(id));
    await turn();
    assert.deepEqual([...real.running.keys()], ['1', '2', '3']);
    real.running.get('1')?.();
    await turn();
    assert.equal(real.running.has('4'), false);
    real.running.get('2')?.();
    await turn();
    assert.equal(real.running.has('4'), true);
    assert.equal(real.running.has('5'), false);
  });
});
