import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context, Measurement, Result, Scenario } from './scenario.js';
import { byHand } from './support/by-hand.js';
import { startChattySwarm } from './support/chatty-agents.js';
import { type McpServer, ourServer, PEER_NOTE, peerServer } from './support/mcp-server.js';
import { processorTime } from './support/processes.js';
import { interleave, timed } from './support/rounds.js';
import { limitOf, makeWorld, settled, submit, type World } from './support/world.js';

export const swarm: Scenario = {
  name: 'swarm',
  title: 'Many jobs at once, and how well the daemon answers meanwhile',
  describe:
    'Jobs a second with as many agents at once as twice the processors, beside xargs -P over a shell script that does the same steps. ' +
    'Then 1, 50 and 200 agents that write 1,000 lines a second each, with 10,000 jobs in the queue: latency of codex_job_status, how busy the daemon is, and whether every line was read.',
  whyNotReached:
    'jobs a second are bound by the same forks as in `job`. Reads beside 200 chatty agents wait for a processor when agents, pipes and the writer of the lines share two of them: the main thread itself is mostly idle.',
  whatProfileLedTo:
    'an agent’s events are checked by hand-written code and put into words only when somebody asks; what is left of the daemon’s time is theirs, in the pool’s threads.',
  async run(context) {
    const { measurements } = context;
    const notes: string[] = [];
    const take = (result: Result) => {
      measurements.push(...result.measurements);
      notes.push(...(result.notes ?? []));
    };
    take(await throughput(context));
    if (context.peer !== null) {
      measurements.push(await besidePeer(context, context.peer));
      notes.push(PEER_NOTE);
    }
    for (const running of context.quick ? [2] : [1, 50, 200]) take(await reads(context, running));
    return { measurements, notes };
  },
};

async function throughput(context: Context): Promise<Result> {
  const atOnce = 2 * availableParallelism();
  const jobs = context.quick ? 4 : 40;
  context.tell(`${jobs} jobs, ${atOnce} at once`);
  const world = await makeWorld(context, { environment: limitOf(atOnce) });
  await world.start();
  const hand = await byHand(context, world);
  let lost = 0;
  const samples = await interleave(context, {
    ours: () => timed(() => allJobs(world, jobs)),
    xargs: async () => {
      const { wall, lost: lostNow } = await hand.many(jobs, atOnce);
      lost += lostNow;
      return wall;
    },
  });
  await world.remove();
  const perSecond = (wall: number) => (jobs * 1_000) / wall;
  return {
    measurements: [
      {
        name: `jobs, ${atOnce} at once`,
        unit: '/s',
        better: 'higher',
        samples: samples.ours.map(perSecond),
        beside: { name: `xargs -P ${atOnce}`, samples: samples.xargs.map(perSecond) },
        targets: [{ of: 'ratio', is: 'at least', bound: 1 }],
      },
    ],
    notes: lost === 0 ? [] : [`Of the jobs by hand ${lost} were lost: git worktree add fails when two race.`],
  };
}

async function allJobs(world: World, jobs: number): Promise<void> {
  const ids = await Promise.all(
    Array.from({ length: jobs }, (_, index) => submit(world.call, world.repository, `task ${index}`)),
  );
  const endings = await Promise.all(ids.map((id) => settled(world.call, id)));
  const other = endings.find((ending) => ending !== 'done');
  if (other !== undefined) throw new Error(`A job ended as ${other}.`);
}

async function reads(context: Context, running: number): Promise<Result> {
  const queued = context.quick ? 20 : 10_000;
  context.tell(`${running} chatty agents, ${queued} queued`);
  const { world, ids, quiet } = await startChattySwarm(context, { running, queued });
  // Past the first second, in which everybody begins at once.
  await delay(context.quick ? 200 : 1_000);
  const window = await watchDaemon(context, world, ids, context.quick ? 500 : 10_000);
  const said = await quiet();
  const seen = await eventsOf(world, ids.slice(0, running));
  await world.remove();

  const where = `${running} running, ${queued} queued`;
  const isTarget = running === 200;
  return {
    measurements: [
      {
        name: `codex_job_status, ${where}`,
        unit: 'ms',
        better: 'lower',
        samples: window.latencies,
        ...(isTarget && { targets: [{ of: 'p99', is: 'at most', bound: 10 }] as const }),
      },
      {
        name: `main thread busy, ${where}`,
        unit: '%',
        better: 'lower',
        samples: window.mainBusy,
        ...(isTarget && { targets: [{ of: 'p50', is: 'at most', bound: 25 }] as const }),
      },
      { name: `daemon busy, ${where}`, unit: '%', better: 'lower', samples: window.allBusy },
      {
        name: `lines written and not seen, ${where}`,
        unit: 'count',
        better: 'lower',
        samples: [said.written - seen],
        targets: [{ of: 'max', is: 'at most', bound: 0 }],
      },
    ],
    notes: [
      `${where}: the agents wrote ${said.written} lines` +
        (said.refused === 0 ? '.' : `; ${said.refused} more were held back because their pipes were full.`),
    ],
  };
}

/** Reads a job's state every few milliseconds, and looks every second at how busy the daemon is, in percent. */
async function watchDaemon(context: Context, world: World, ids: readonly string[], milliseconds: number) {
  const latencies: number[] = [];
  const mainBusy: number[] = [];
  const allBusy: number[] = [];
  const end = performance.now() + milliseconds;
  const slice = Math.min(1_000, milliseconds / 2);
  while (performance.now() < end) {
    const [from, before] = [performance.now(), processorTime(world.pid())];
    while (performance.now() < from + slice) {
      const id = ids[Math.floor(context.random() * ids.length)];
      latencies.push(await timed(() => world.call('codex_job_status', { job_id: id })));
      await delay(5);
    }
    const [wall, after] = [performance.now() - from, processorTime(world.pid())];
    mainBusy.push(((after.main - before.main) / wall) * 100);
    allBusy.push(((after.own - before.own) / wall) * 100);
  }
  return { latencies, mainBusy, allBusy };
}

/** Agents whose pipe was closed end; reading what they left may take a while on a busy machine. */
const READING_MS = 120_000;

/** How many lines the daemon has seen, once it has read all that the agents left, or takes too long for it. */
async function eventsOf(world: World, ids: readonly string[]): Promise<number> {
  for (const until = performance.now() + READING_MS; ; await delay(250)) {
    const states = await Promise.all(ids.map((id) => world.call('codex_job_status', { job_id: id })));
    const reading = states.some(({ status }) => status === 'running');
    if (!reading || performance.now() > until)
      return states.reduce((sum: number, state) => sum + state.events_seen, 0);
  }
}

async function besidePeer(context: Context, peer: string): Promise<Measurement> {
  const jobs = context.quick ? 2 : 16;
  const world = await makeWorld(context, { environment: limitOf(jobs) });
  await world.start();
  const all = (server: McpServer) => async () => {
    const wall = await timed(() =>
      Promise.all(
        Array.from({ length: jobs }, async (_, index) => server.ended(await server.submit(`task ${index}`))),
      ),
    );
    return (jobs * 1_000) / wall;
  };
  const samples = await interleave(context, {
    ours: all(await ourServer(context, world)),
    peer: all(await peerServer(context, peer, world.repository)),
  });
  await world.remove();
  return {
    name: `jobs over MCP, ${jobs} at once`,
    unit: '/s',
    better: 'higher',
    samples: samples.ours,
    beside: { name: 'peer', samples: samples.peer },
  };
}
