import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programOfPackage } from '../src/demo/codex-package.js';
import { hang } from '../src/demo/reply.js';
import { providerConfig, type ScriptedModel, startScriptedModel } from '../src/demo/scripted-model.js';
import type { Context, Measurement, Scenario } from './scenario.js';
import { type BareCodex, findBareCodex, startBareCodex } from './support/bare-codex.js';
import { baseEnvironment } from './support/environment.js';
import { type Cost, costOf, processesNaming } from './support/processes.js';
import { limitOf, makeWorld, submit } from './support/world.js';

const KEY_VARIABLE = 'OFFSHOOT_BENCH_KEY';
/** Where the app-server is to be worth its while. */
const TARGET = { jobs: 256, mostMB: 1.2 * 1_024 };

export const backends: Scenario = {
  name: 'backends',
  title: 'What many Codex jobs at once need, by backend',
  describe:
    'Real Codex jobs whose model does not answer yet, 1 to 256 at once. Memory is counted in proportional shares (PSS) over the daemon and every process of every job, once all of them have asked the model; processor time is what all of these have used until then, less the daemon’s before the first job. Beside it, bare Codex: as many `codex exec`, started by hand with the same options.',
  async run(context) {
    const counts = context.quick ? [1, 2] : [1, 8, 32, 64, 256];
    const { measurements } = context;
    for (const count of counts) {
      const bare = await measured(context, 'bare Codex', count, bareJobs);
      for (const backend of ['codex-exec', 'codex-app-server'] as const) {
        const cost = await measured(context, backend, count, offshootJobs(backend));
        measurements.push(...compared(backend, count, cost, bare));
      }
    }
    return { measurements, notes: ['One round of each: a round of 256 processes takes minutes.'] };
  },
};

/** Starts that many jobs, each in `directory` if it needs one; answers what they cost once all wait for the model. */
type Jobs = (context: Context, model: ScriptedModel, directory: string, count: number) => Promise<Cost>;

async function measured(context: Context, name: string, count: number, jobs: Jobs): Promise<Cost> {
  context.signal.throwIfAborted();
  context.tell(`${name}, ${count} at once`);
  const model = await startScriptedModel(() => hang('request'));
  context.atEnd(() => model.close());
  const directory = await mkdtemp(join(context.directory, 'backends-'));
  try {
    return await jobs(context, model, directory, count);
  } finally {
    await model.close();
  }
}

const offshootJobs =
  (backend: 'codex-exec' | 'codex-app-server'): Jobs =>
  async (context, model, directory, count) => {
    const world = await makeWorld(context, {
      environment: {
        ...limitOf(count),
        ...(await programOfPackage()),
        OFFSHOOT_BACKEND: backend,
        CODEX_HOME: await codexHome(directory, model),
        [KEY_VARIABLE]: 'no-secret',
      },
    });
    await world.start();
    await world.call('codex_status');
    const before = await costOf(await processesNaming(world.stateDir));
    await Promise.all(
      Array.from({ length: count }, (_, index) => submit(world.call, world.repository, `task ${index}`)),
    );
    await model.requested(count);
    const cost = await costOf(await processesNaming(world.stateDir));
    await world.remove();
    return { ...cost, processorMs: cost.processorMs - before.processorMs };
  };

const bareJobs: Jobs = async (context, model, directory, count) => {
  const environment = { ...baseEnvironment(context, directory), [KEY_VARIABLE]: 'no-secret' };
  const program = await findBareCodex(environment);
  const started: BareCodex[] = [];
  const endAll = () => Promise.all(started.map((codex) => codex.end()));
  context.atEnd(endAll);
  for (let index = 0; index < count; index += 1) {
    const own = join(directory, String(index));
    await mkdir(own);
    const plan = { home: await codexHome(own, model), task: `task ${index}`, environment };
    started.push(await startBareCodex(program, own, plan));
  }
  await model.requested(count);
  const cost = await costOf(started.map(({ pid }) => pid));
  await endAll();
  return cost;
};

/** Makes a home of Codex that has it talk to the model. */
async function codexHome(directory: string, model: ScriptedModel): Promise<string> {
  const home = join(directory, 'codex-home');
  await mkdir(home);
  await writeFile(join(home, 'config.toml'), providerConfig(model.url, KEY_VARIABLE));
  return home;
}

function compared(backend: string, count: number, cost: Cost, bare: Cost): Measurement[] {
  const jobs = count === 1 ? '1 job' : `${count} jobs`;
  const isTarget = backend === 'codex-app-server' && count === TARGET.jobs;
  return [
    {
      name: `memory of ${jobs}, ${backend}`,
      unit: 'MB',
      better: 'lower',
      samples: [cost.memoryMB],
      beside: { name: 'bare Codex', samples: [bare.memoryMB] },
      ...(isTarget && { targets: [{ of: 'max', is: 'at most', bound: TARGET.mostMB }] as const }),
    },
    {
      name: `processor time a job, ${jobs}, ${backend}`,
      unit: 'ms',
      better: 'lower',
      samples: [cost.processorMs / count],
      beside: { name: 'bare Codex', samples: [bare.processorMs / count] },
    },
  ];
}
