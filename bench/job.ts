import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programOfPackage } from '../src/demo/codex-package.js';
import { run as runCommand, say } from '../src/demo/reply.js';
import { providerConfig, startScriptedModel } from '../src/demo/scripted-model.js';
import type { Context, Measurement, Scenario } from './scenario.js';
import { bareWords, findBareCodex } from './support/bare-codex.js';
import { byHand } from './support/by-hand.js';
import { ourServer, PEER_NOTE, peerServer } from './support/mcp-server.js';
import { type ProcessorTime, processorTime } from './support/processes.js';
import { interleave, timed } from './support/rounds.js';
import { makeWorld, settled, submit, type World } from './support/world.js';

export const job: Scenario = {
  name: 'job',
  title: 'One job, from its submission to its patch',
  describe:
    'Wall and processor time of one job at a time, by state, on a small repository and on one of 5,000 files, beside a shell script that does the same steps by hand (git worktree add, the agent, git add, git diff, git worktree remove). ' +
    'The agent costs nothing, so what is left is ours and git’s; then once more with the real Codex CLI, with the same options for both, and a scripted model.',
  whyNotReached:
    'own time is spread over hundreds of short steps, none of which is a tenth of it: files that outlive a crash, messages between threads, commits that are on the disk before the next state is entered. A job starts more programs than the script and waits for the disk at each state and for its patch, the script never: so on a small repository the script is sooner done. On a large one the files decide, and a warm slot saves them.',
  whatProfileLedTo:
    'no function stands out, programs and files do: what git said of a commit is remembered, an agent is started by a shell of its thread, and a capture waits for the disk once instead of three times.',
  async run(context) {
    const { measurements } = context;
    const notes = [
      'Own time is that of the daemon’s threads, once it has done a few jobs. Its children are git and the launcher, with the shells that start them; the shell that holds the agent is nobody’s child and in neither.',
    ];
    const sizes = context.repository !== null ? [0] : context.quick ? [20] : [20, 5_000];
    for (const files of sizes) measurements.push(...(await jobsOf(context, files)));
    if (context.peer !== null) {
      measurements.push(await besidePeer(context, context.peer));
      notes.push(PEER_NOTE);
    }
    const codex = context.quick || context.agent !== null ? null : await programOfPackage();
    if (codex?.OFFSHOOT_CODEX_PATH !== undefined)
      measurements.push(await withCodex(context, codex.OFFSHOOT_CODEX_PATH));
    else
      notes.push('The real Codex CLI was left out: it is not installed beside Offshoot, or not asked for.');
    return { measurements, notes };
  },
};

/** A daemon runs for days: its first jobs, in which code is compiled and caches fill, tell little of the others. */
const SETTLING_JOBS = 20;
/** One job differs much from the next. */
const LEAST_ROUNDS = 15;

interface Sample {
  wall: number;
  own: number;
  children: number;
  states: Map<string, { wall: number; own: number }>;
}

async function jobsOf(context: Context, files: number): Promise<Measurement[]> {
  context.tell(files === 0 ? 'your repository' : `${files} files`);
  const world = await makeWorld(context, { files });
  await world.start();
  const hand = await byHand(context, world);
  for (let job = 0; job < (context.quick ? 0 : SETTLING_JOBS); job += 1) await sampleJob(world);
  const runs = context.quick ? context.runs : Math.max(context.runs, LEAST_ROUNDS);
  const samples = await interleave(
    { ...context, runs },
    { ours: () => sampleJob(world), script: () => hand.one() },
  );
  const where = files === 0 ? 'your repository' : `${files} files`;
  const measurements: Measurement[] = [
    {
      name: `wall, ${where}`,
      unit: 'ms',
      better: 'lower',
      samples: samples.ours.map(({ wall }) => wall),
      beside: { name: 'shell script', samples: samples.script.map(({ wall }) => wall) },
      targets: [{ of: 'ratio', is: 'at most', bound: 1 }],
    },
    {
      name: `own processor time, ${where}`,
      unit: 'ms',
      better: 'lower',
      samples: samples.ours.map(({ own }) => own),
      targets: [{ of: 'p50', is: 'at most', bound: 10 }],
    },
    {
      name: `processor time with git, ${where}`,
      unit: 'ms',
      better: 'lower',
      samples: samples.ours.map(({ own, children }) => own + children),
      beside: {
        name: 'shell script',
        samples: samples.script.map(({ processor }) => Math.max(processor, 10)),
      },
    },
    ...byState(samples.ours, where),
  ];
  await world.remove();
  return measurements;
}

function byState(samples: readonly Sample[], where: string): Measurement[] {
  return ['queued', 'worktree', 'running', 'diffing'].flatMap((state) => {
    const inState = samples.flatMap(({ states }) => states.get(state) ?? []);
    if (inState.length === 0) return [];
    return (['wall', 'own'] as const).map((kind) => ({
      name: `${kind === 'wall' ? 'wall' : 'own processor time'} in ${state}, ${where}`,
      unit: 'ms' as const,
      better: 'lower' as const,
      samples: inState.map((each) => each[kind]),
    }));
  });
}

/** One job, with a look at the daemon's processor time at each transition that a waiting client hears of. */
async function sampleJob(world: World): Promise<Sample> {
  const states: Sample['states'] = new Map();
  const begun = { at: performance.now(), time: processorTime(world.pid()) };
  let entered = { state: 'queued', ...begun };
  const enter = (state: string): ProcessorTime => {
    const now = { state, at: performance.now(), time: processorTime(world.pid()) };
    const before = states.get(entered.state) ?? { wall: 0, own: 0 };
    states.set(entered.state, {
      wall: before.wall + now.at - entered.at,
      own: before.own + now.time.own - entered.time.own,
    });
    entered = now;
    return now.time;
  };
  const id = await submit(world.call, world.repository, 'edit a file');
  const ending = await settled(world.call, id, (report) => {
    const state = /: (\w+)/.exec(report)?.[1];
    if (state !== undefined && state !== entered.state) enter(state);
  });
  if (ending !== 'done') throw new Error(`The job ended as ${ending}.`);
  const wall = performance.now() - begun.at;
  const end = enter('settled');
  return {
    wall,
    own: end.own - begun.time.own,
    children: end.children - begun.time.children,
    states,
  };
}

async function besidePeer(context: Context, peer: string): Promise<Measurement> {
  const world = await makeWorld(context);
  await world.start();
  const ours = await ourServer(context, world);
  const theirs = await peerServer(context, peer, world.repository);
  const one = (server: typeof ours) => () =>
    timed(async () => server.ended(await server.submit('edit a file')));
  const samples = await interleave(context, { ours: one(ours), peer: one(theirs) });
  await world.remove();
  return {
    name: 'wall over MCP',
    unit: 'ms',
    better: 'lower',
    samples: samples.ours,
    beside: { name: 'peer', samples: samples.peer },
  };
}

const KEY_VARIABLE = 'OFFSHOOT_BENCH_MODEL_KEY';

/** The whole: the real agent, which asks a model on the loopback twice and runs one command in its sandbox. */
async function withCodex(context: Context, program: string): Promise<Measurement> {
  context.tell('the real Codex CLI');
  const model = await startScriptedModel(({ step }) =>
    step === 0 ? runCommand('echo edited >>offshoot-bench.txt') : say('Edited it.'),
  );
  context.atEnd(() => model.close());
  const codexHome = join(context.directory, 'codex-home');
  await mkdir(codexHome);
  await writeFile(join(codexHome, 'config.toml'), providerConfig(model.url, KEY_VARIABLE));
  const world = await makeWorld(context, {
    environment: {
      OFFSHOOT_BACKEND: 'codex-exec',
      OFFSHOOT_CODEX_PATH: program,
      CODEX_HOME: codexHome,
      [KEY_VARIABLE]: 'no-secret',
    },
  });
  await world.start();
  const words = [await findBareCodex(world.environment), ...bareWords()];
  const hand = await byHand(context, world, words.map(quoted).join(' '));
  const samples = await interleave(context, {
    ours: () => sampleJob(world),
    script: () => hand.one(),
  });
  await world.remove();
  return {
    name: 'wall with the real Codex CLI',
    unit: 'ms',
    better: 'lower',
    samples: samples.ours.map(({ wall }) => wall),
    beside: { name: 'shell script', samples: samples.script.map(({ wall }) => wall) },
  };
}

/** A word as a shell reads it. */
const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
