import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorTable, knownCode, type Outcome, refuse, succeed } from '../errors.js';
import { readFirstLine } from './first-line.js';
import { HELLO_MAXIMUM_BYTES, type Hello, helloLine, parseWelcome } from './hello.js';
import { checkSocketDirectory } from './socket-path.js';
import type { DaemonStart } from './start-daemon.js';

/** A connection whose hello was answered; the socket is paused and holds all that came after the answer. */
export interface DaemonConnection {
  socket: Socket;
  daemon: { version: string; pid: number };
}

export interface ConnectRequest {
  /** Path of the socket: `socketPath`. */
  socket: string;
  hello: Hello;
  /** Starts a daemon when none answers; without it, or for a process of a job, a missing daemon is refused at once. */
  start?: () => Outcome<DaemonStart>;
  /** How long to try, in milliseconds. */
  patienceMs?: number;
}

/** A daemon starts within a second, but for a machine that has no time for it. */
const PATIENCE_MS = 30_000;
const FIRST_DELAY_MS = 15;
const LONGEST_DELAY_MS = 100;
/** Daemons that may be killed as they start, as by somebody who kills one after the other. */
const KILLED_STARTS = 3;

/** In the PID namespace of its job it would also see no other job's agent, and take them all for dead. */
const notInsideJob = refuse('daemon_unavailable', {
  message: 'No daemon answers, and from inside a job none is started: it would end with that job.',
});

/**
 * Connects to the daemon, and starts one if need be. Any number of clients may do so at once: one of them starts it,
 * and the others wait for it. A daemon that finds the lock taken leaves in peace.
 */
export async function connectDaemon(request: ConnectRequest): Promise<Outcome<DaemonConnection>> {
  const trusted = checkSocketDirectory(request.socket);
  if (!trusted.ok) return trusted;
  const deadline = performance.now() + (request.patienceMs ?? PATIENCE_MS);
  const isOfJob = request.hello.origin.parentJobId !== null;
  const starter =
    request.start === undefined ? null : starterOf(isOfJob ? () => notInsideJob : request.start);
  for (let delay = FIRST_DELAY_MS; ; delay = Math.min(delay * 1.5, LONGEST_DELAY_MS)) {
    const reached = await greet(request, deadline - performance.now());
    if (reached.ok) starter?.serves();
    if (reached.ok || !errorTable[reached.fault.code].temporary) return reached;
    // One that leaves is waited for, also to find that there is none any more.
    if (starter === null && reached.fault.code !== 'draining') return reached;
    if (performance.now() + delay > deadline) return reached;
    const started = starter?.need() ?? succeed(null);
    if (!started.ok) return started;
    await (starter === null ? sleep(delay) : Promise.race([sleep(delay), starter.ended()]));
  }
}

/** Starts a daemon whenever none is on its way of which this process knows, and tells when one has failed. */
function starterOf(start: () => Outcome<DaemonStart>) {
  let exit: Promise<unknown> | null = null;
  let failed: Outcome<null> = succeed(null);
  let killed = 0;
  let serves = () => {};
  return {
    need(): Outcome<null> {
      if (!failed.ok || exit !== null) return failed;
      const started = start();
      if (!started.ok) return started;
      serves = started.value.serves;
      exit = started.value.exit.then(async (ended) => {
        const wasKilled = !ended.ok && ended.fault.details?.signal === 'SIGKILL';
        if (wasKilled) killed += 1;
        if (!wasKilled || killed > KILLED_STARTS) failed = ended;
        // Another daemon was first. Should it be on its way out, a new one is needed in a while.
        if (failed.ok) await sleep(LONGEST_DELAY_MS);
        exit = null;
      });
      return succeed(null);
    },
    ended: () => exit,
    serves: () => serves(),
  };
}

async function greet(
  { socket: path, hello }: ConnectRequest,
  timeoutMs: number,
): Promise<Outcome<DaemonConnection>> {
  const socket = connect(path);
  // Kept for life: an error is always followed by 'close', and that is what users of the socket watch.
  socket.on('error', () => {});
  socket.write(`${helloLine(hello)}\n`);
  const line = await readFirstLine(socket, {
    maximumBytes: HELLO_MAXIMUM_BYTES,
    timeoutMs: Math.max(timeoutMs, 1),
  });
  const welcome = line === null ? null : parseWelcome(line);
  if (welcome !== null && !('refused' in welcome)) return succeed({ socket, daemon: welcome });
  socket.destroy();
  return welcome === null
    ? refuse('daemon_unavailable')
    : refuse(knownCode(welcome.refused.code, 'daemon_unavailable'), { message: welcome.refused.message });
}
