import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { z } from 'zod';
import { refuse, succeed } from '../../src/errors.js';
import { connectDaemon } from '../../src/ipc/connect.js';
import { ownHello } from '../../src/ipc/hello.js';
import { type Listener, listen } from '../../src/ipc/listen.js';
import { serveOperations } from '../../src/ipc/serve-operations.js';
import { socketPath } from '../../src/ipc/socket-path.js';
import { mcpService } from '../../src/mcp/serve-mcp.js';
import { type Call, defineOperation, type House } from '../../src/operations/operation.js';

export const toyDaemonEntry = fileURLToPath(new URL('./toy-daemon.js', import.meta.url));
export const toyBridgeEntry = fileURLToPath(new URL('./toy-bridge.js', import.meta.url));
export const silentLog = pino({ level: 'silent' });

const annotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};
const toy = <Shape extends z.ZodRawShape>(
  name: string,
  shape: Shape,
  handle: (input: z.infer<z.ZodObject<Shape, z.core.$strict>>, call: Call) => Promise<object>,
) =>
  defineOperation({
    tool: `toy_${name}`,
    command: name,
    title: name,
    description: `Does ${name}.`,
    annotations,
    input: z.strictObject(shape),
    output: z.looseObject({ ok: z.literal(true) }),
    handle: async (input, call) => succeed({ ok: true as const, ...(await handle(input, call)) }),
  });

/** Resolves when the call's wait is over: by the caller, or after `milliseconds`. */
const wait = (milliseconds: number, { signal }: Call) =>
  sleep(milliseconds, 'in time', { signal }).catch(() => 'aborted');

/** What the last `toy_wait` ended with: the one thing a cancelled call leaves to see. */
export const lastWait = { ended: '' };

export const toyOperations = [
  toy(
    'echo',
    { text: z.string().max(20_000_000), count: z.number().int().min(1).max(9).optional() },
    async (input) => input,
  ),
  toy('pid', {}, async () => ({ pid: process.pid })),
  toy('where', {}, async (_, call) => ({ directory: await call.defaultWorkspace() })),
  toy('broken', {}, async () => {
    throw new Error('a bug');
  }),
  toy('wait', { milliseconds: z.number().int().max(60_000) }, async ({ milliseconds }, call) => {
    call.report('begun');
    lastWait.ended = await wait(milliseconds, call);
    return { ended: lastWait.ended };
  }),
  {
    ...toy('refuse', {}, async () => ({})),
    handle: async () => refuse('queue_full', { retryAfterMs: 5 }),
  },
];

/** The toy operations in a house that has nothing but a door. */
export const toyService = {
  operations: toyOperations,
  house: { begin: () => () => undefined } as unknown as House,
  log: silentLog,
};

/** Listens in this process, as the daemon would, with the toy operations. */
export async function toyListener(path: string, mcp = mcpService(toyService)): Promise<Listener> {
  const control = {
    'daemon.stop': async (input: unknown) => succeed({ asked: input }),
    'daemon.break': async () => {
      throw new Error('a bug');
    },
  };
  const listener = await listen({
    path,
    version: '0.0.0-toy',
    accept: {
      mcp: mcp.serve,
      operations: (connection, hello) => serveOperations(connection, hello, { ...toyService, control }),
    },
  });
  if (!listener.ok) throw new Error(JSON.stringify(listener.fault));
  return listener.value;
}

/** Pid of the daemon of a state directory, or null when none answers. */
export async function daemonPid(stateDir: string): Promise<number | null> {
  const reached = await connectDaemon({ socket: socketPath(stateDir), hello: ownHello('operations') });
  if (!reached.ok) return null;
  reached.value.socket.destroy();
  return reached.value.daemon.pid;
}

/** Ends the daemon of a state directory, if there is one, and waits until it serves no more. */
export async function endDaemon(stateDir: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const pid = await daemonPid(stateDir);
  if (pid === null) return;
  process.kill(pid, signal);
  await until(async () => (await daemonPid(stateDir)) !== pid);
}

/** Polls a condition for which there is no event, for a minute at most. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('The condition did not come true in a minute.');
    await sleep(10);
  }
}
