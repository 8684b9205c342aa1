import type { Context, Measurement, Target } from './scenario.js';
import { bareServer } from './support/bare-sessions.js';
import { interleave, timed } from './support/rounds.js';
import { bridgeClient, httpClient, type Submit } from './support/sessions.js';
import { limitOf, makeWorld, settled, type World } from './support/world.js';

/** V8 goes on for some thousands of calls to make faster code of what a daemon does, on a thread beside it. */
const WARM_UP_ROUNDS = 40;

const targets: readonly Target[] = [
  { of: 'p50', is: 'at most', bound: 20 },
  { of: 'p99', is: 'at most', bound: 100 },
];

/**
 * As many bridges, and as many sessions over HTTP, with one daemon: all bridges at once, then all sessions; beside each
 * the same with a server that does nothing. First with programs that have hardly served yet, then with the same, warm. A
 * round begins when no job of the one before is under way: their worktrees and agents need both processors.
 */
export async function handlesOverMcp(context: Context, clients: number): Promise<Measurement[]> {
  const world = await makeWorld(context, { environment: { ...limitOf(4), OFFSHOOT_HTTP: '127.0.0.1:0' } });
  await world.start();
  await world.call('codex_status');
  const bare = await bareServer(context);
  const bridges: Submit[] = [];
  const sessions: Submit[] = [];
  const relays: Submit[] = [];
  const connections: Submit[] = [];
  for (let client = 0; client < clients; client += 1) {
    context.signal.throwIfAborted();
    context.tell(`client ${client + 1} of ${clients}`);
    bridges.push(await bridgeClient(context, world));
    sessions.push(await httpClient(context, world));
    relays.push(await bare.relayClient());
    connections.push(await bare.httpClient());
  }
  const atOnce = async (submits: readonly Submit[], ended: (ids: string[]) => Promise<void>) => {
    const ids: string[] = [];
    const taken = await latencies(clients, async (index) => {
      ids.push(await (submits[index] as Submit)(`task ${index}`));
    });
    await ended(ids);
    // The soonest answered of both stand beside each other, and the last.
    return taken.sort((left, right) => left - right);
  };
  const ofOurs = (submits: readonly Submit[]) => atOnce(submits, (ids) => endAll(world, ids));
  const ofBare = (submits: readonly Submit[]) => atOnce(submits, async () => undefined);
  const takeRounds = (runs: number) =>
    interleave(
      { ...context, runs },
      {
        bridges: () => ofOurs(bridges),
        sessions: () => ofOurs(sessions),
        relays: () => ofBare(relays),
        connections: () => ofBare(connections),
      },
    );
  const measured = (rounds: Awaited<ReturnType<typeof takeRounds>>, when: string): Measurement[] => [
    handle(`${clients} stdio bridges at once${when}`, rounds.bridges, rounds.relays),
    handle(`${clients} HTTP sessions at once${when}`, rounds.sessions, rounds.connections),
  ];
  const runs = context.quick ? context.runs : Math.max(context.runs, 10);
  const fresh = await takeRounds(runs);
  context.tell('warming up');
  await takeRounds(context.quick ? 1 : WARM_UP_ROUNDS);
  const warm = await takeRounds(runs);
  await world.remove();
  return [...measured(fresh, ''), ...measured(warm, ', warm')];
}

const handle = (name: string, samples: number[][], beside: number[][]): Measurement => ({
  name: `handle, ${name}`,
  unit: 'ms',
  better: 'lower',
  samples: samples.flat(),
  beside: { name: 'bare Node', samples: beside.flat() },
  targets,
});

/** Latencies of that many calls at once, in milliseconds. */
export const latencies = (count: number, call: (index: number) => Promise<unknown>): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => timed(() => call(index))));

/** Cancels what is left of a round, and waits until nothing of it is under way. */
export async function endAll(world: World, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => world.call('codex_job_cancel', { job_id: id })));
  await Promise.all(ids.map((id) => settled(world.call, id)));
}
