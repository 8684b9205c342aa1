import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { endAll, handlesOverMcp, latencies } from './handles-over-mcp.js';
import type { Context, Measurement, Scenario } from './scenario.js';
import { commandLine, type McpServer, ourServer, peerServer } from './support/mcp-server.js';
import { interleave, timed } from './support/rounds.js';
import { limitOf, makeWorld, submit as submitTo, type World } from './support/world.js';

export const submit: Scenario = {
  name: 'submit',
  title: 'How soon a client has its handle',
  describe:
    'Latency of codex_delegate_async over the socket of a real daemon, with 1 to 1,000 calls at once on one repository, and jobs that start at once; and over MCP, from 100 stdio bridges and from 100 HTTP sessions with one daemon, beside a bare Node that answers as much and does nothing, for as many clients behind processes that pass lines on and over HTTP: in the first thousand calls of each, and warm, after some four thousand more. ' +
    'Then the time from the start of a bridge to its answer to initialize, beside a bare Node that does nothing.',
  whyNotReached:
    'of the daemon’s main thread a call takes some 0.2 ms over the socket, 0.3 ms through a bridge and 0.35 ms over HTTP once the daemon is warm, a quarter of it for the collector; half as much again before, while V8 makes faster code of it on a processor that the clients need. The first are answered when a look at the repository, a few turns of the loop, and a flush to the disk are over, while the others are read; the median has waited for half of them, and for all threads of the daemon and the client on the same processors. ' +
    'Each bridge takes another 0.7 ms of its own, 0.45 ms of which any Node process needs to pass a line on and its answer back: a hundred of them have two processors for it. What bare Node takes for as much, keeping nothing, stands beside.',
  async run(context) {
    const counts = context.quick ? [1, 10] : [1, 10, 100, 1_000];
    const { measurements } = context;
    for (const count of counts) measurements.push(await handles(context, count));
    measurements.push(...(await handlesOverMcp(context, context.quick ? 2 : 100)));
    measurements.push(await initialize(context));
    if (context.peer !== null) {
      const peer = context.peer;
      for (const count of counts.filter((each) => each <= 100))
        measurements.push(await handlesOfPeer(context, peer, count));
    }
    return {
      measurements,
      notes: [
        'The jobs start while more are submitted: four agents at once. What a round left is cancelled, and has ended, before the next.',
        'The clients, all in one process, do nothing but write a call and read its answer: a client of the SDK takes longer for a call than the daemon.',
      ],
    };
  },
};

/** A daemon that has answered its first preflight: a client that comes later finds it so. */
async function warmWorld(context: Context): Promise<World> {
  const world = await makeWorld(context, { environment: limitOf(4) });
  await world.start();
  await world.call('codex_status');
  return world;
}

async function handles(context: Context, count: number): Promise<Measurement> {
  const samples: number[] = [];
  const rounds = count === 1 && !context.quick ? Math.max(context.runs, 20) : context.runs;
  const world = await warmWorld(context);
  for (let round = 0; round < rounds; round += 1) {
    context.tell(`${count} at once, round ${round + 1}`);
    const ids: string[] = [];
    samples.push(
      ...(await latencies(count, async (index) => {
        ids.push(await submitTo(world.call, world.repository, `task ${index}`));
      })),
    );
    await endAll(world, ids);
  }
  await world.remove();
  return {
    name: `handle, ${count} at once`,
    unit: 'ms',
    better: 'lower',
    samples,
    ...(count === 100 && { targets: [{ of: 'p99', is: 'at most', bound: 100 }] as const }),
  };
}

async function initialize(context: Context): Promise<Measurement> {
  const world = await warmWorld(context);
  const samples = await interleave(
    { ...context, runs: context.quick ? 2 : Math.max(context.runs, 15) },
    {
      bridge: () => timed(() => initializeOnce(world.environment)),
      node: () => timed(() => once(spawn(process.execPath, ['-e', '0'], { env: world.environment }), 'exit')),
    },
  );
  await world.remove();
  return {
    name: 'initialize of a bridge, daemon warm',
    unit: 'ms',
    better: 'lower',
    samples: samples.bridge,
    beside: { name: 'node -e 0', samples: samples.node },
    targets: [{ of: 'p50', is: 'at most', bound: 150 }],
  };
}

/** Resolves with the first bytes of the answer. */
async function initializeOnce(environment: Record<string, string>): Promise<void> {
  const bridge = spawn(process.execPath, [commandLine, 'mcp'], {
    env: environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'offshoot-bench', version: '1' },
  };
  bridge.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
  await once(bridge.stdout, 'data');
  bridge.kill('SIGKILL');
}

async function handlesOfPeer(context: Context, peer: string, count: number): Promise<Measurement> {
  const world = await warmWorld(context);
  const servers = {
    ours: await ourServer(context, world),
    peer: await peerServer(context, peer, world.repository),
  };
  const all = (server: McpServer) => async () => {
    const ids: string[] = [];
    const taken = await latencies(count, async (index) => {
      ids.push(await server.submit(`task ${index}`));
    });
    // The jobs of one must not be in the way of the other.
    await Promise.all(ids.map(server.ended));
    return taken;
  };
  const rounds = await interleave(context, { ours: all(servers.ours), peer: all(servers.peer) });
  await world.remove();
  return {
    name: `handle over MCP, ${count} at once`,
    unit: 'ms',
    better: 'lower',
    samples: rounds.ours.flat(),
    beside: { name: 'peer', samples: rounds.peer.flat() },
  };
}
