import { existsSync, realpathSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadSettings, misspeltVariables, type Settings } from './config.js';
import { differingSettings } from './daemon/differing-settings.js';
import { lookControls } from './daemon/look-controls.js';
import { createStopControl } from './daemon/stop-control.js';
import { createUpgrade } from './daemon/upgrade.js';
import { createWeb } from './daemon/web.js';
import { errorTable, type Fault, refuse } from './errors.js';
import { tellsExhaustion } from './git/explain.js';
import { type OpenHouse, openHouse } from './house.js';
import { acquireDaemonLock } from './ipc/daemon-lock.js';
import { listen } from './ipc/listen.js';
import { serveOperations } from './ipc/serve-operations.js';
import { isServed } from './ipc/served.js';
import { socketPath } from './ipc/socket-path.js';
import { stateLayout } from './job/layout.js';
import { createLog, type Log } from './log.js';
import { operations } from './operations/index.js';
import type { House } from './operations/operation.js';
import { makeStateDirectory } from './state-directory.js';
import { removedOf } from './state-removed.js';
import { version } from './version.js';

/** A daemon that nobody calls and that has no job left leaves after this time. */
const IDLE_MS = 10 * 60_000;
/** Who waited for the last job reads its result yet, and gets it, when the daemon leaves for one of these reasons. */
const LAST_JOB_OVER: readonly string[] = ['drained', 'upgrade'];
const LAST_ANSWERS_MS = 2_000;
const STORE_LOST = 'the thread of the store ended';
const HELD = 'Another daemon still serves this state directory.';
const STATE_REMOVED = 'the lock or the store of the state directory was removed';

export interface DaemonStart {
  foreground?: boolean;
  /** Setting `http`, over the configured one. */
  http?: string;
}

/**
 * Runs the daemon of the configured state directory until it is stopped, or idle for long. In the foreground
 * it logs to standard error too, and says when another daemon is there already; in the background that is
 * quiet, because clients start daemons in a race and the lock decides.
 */
export async function runDaemon({ foreground = true, http }: DaemonStart = {}): Promise<void> {
  const given = http === undefined ? {} : { http };
  const loaded = loadSettings(undefined, given);
  if (!loaded.ok) return giveUp(loaded.fault);
  const { settings } = loaded.value;
  // Whoever starts a daemon in the background makes the directory first. Where it is gone, so are they.
  if (!foreground && !existsSync(settings.stateDir)) return;
  const layout = stateLayout(settings.stateDir);
  const directory = makeStateDirectory(settings.stateDir);
  if (!directory.ok) return giveUp(directory.fault);
  const lock = acquireDaemonLock(layout.lock);
  if (!lock.ok) return lock.fault.details?.held === true && !foreground ? undefined : giveUp(lock.fault);
  // One whose lock was removed holds the directory for a moment yet.
  if (await isServed(socketPath(settings.stateDir))) {
    lock.value.release();
    return foreground ? giveUp(refuse('daemon_unavailable', { message: HELD }).fault) : undefined;
  }

  const log = createLog(layout.log, settings.logLevel, foreground);
  process.on('uncaughtException', (problem) => log.error({ err: problem }, 'uncaught exception'));
  process.on('unhandledRejection', (problem) => log.error({ err: problem }, 'unhandled rejection'));
  for (const misspelt of misspeltVariables()) log.warn(misspelt, 'a variable looks like a misspelt setting');
  try {
    await serve(settings, log, foreground, (variables) => differingSettings(loaded.value, variables, given));
  } catch (problem) {
    log.fatal({ err: problem }, 'daemon broke');
    await flushed(log);
    giveUp(whyBroken(problem instanceof Error ? problem.message : String(problem)));
  }
  lock.value.release();
  await flushed(log);
  process.exit(0);
}

/** Opens all parts, and serves until it is to leave. Rejects when a part cannot be opened, or closed. */
async function serve(
  settings: Settings,
  log: Log,
  foreground: boolean,
  differing: House['differingSettings'],
): Promise<void> {
  // The MCP SDK is the largest library here: it is loaded while the house's threads start.
  const [opened, { mcpService }] = await Promise.all([
    openHouse(settings, log),
    import('./mcp/serve-mcp.js'),
  ]);
  if (!opened.ok) return giveUp(opened.fault);
  const { house, inspection, metrics, idleSince, answered, storeEnded, abandon, close } = opened.value;
  house.differingSettings = differing;

  let leaving: Promise<void> | null = null;
  /** From here on whoever comes is for the next daemon. */
  const lastAnswers = () => {
    leaving ??= answered(LAST_ANSWERS_MS);
    return leaving;
  };
  const stop = createStopControl(house.supervisor, lastAnswers);
  const upgrade = createUpgrade(house.supervisor, version);
  const mcp = mcpService({ operations, house, log });
  const web = createWeb(settings, { operations, house, inspection, metrics, mcp, log });
  const control = { ...stop.control, ...lookControls(house, inspection, web) };
  const service = { operations, house, control, log };
  const listener = await listen({
    path: socketPath(settings.stateDir),
    version,
    refuse: (hello) => (leaving === null ? upgrade.refuse(hello) : refuse('draining').fault),
    accept: {
      mcp: mcp.serve,
      operations: (connection, hello) => serveOperations(connection, hello, service),
    },
  });
  if (!listener.ok) {
    await close();
    return giveUp(listener.fault);
  }
  const served = await web.start();
  if (!served.ok && foreground) {
    await listener.value.close();
    await close();
    return giveUp(served.fault);
  }
  // In the background nobody would see why there is no daemon: the clients at the socket are served all the same.
  if (!served.ok) log.error({ fault: served.fault }, 'HTTP is not served');
  log.info({ version, state: settings.stateDir, node: process.version }, 'daemon serves');
  // So that the first submission need not wait for it.
  void house.preflight();

  const asked = Promise.race([stop.asked, upgrade.asked]);
  const reason = await reasonToLeave(settings, { asked, storeEnded, idleSince });
  // No promise can be kept without a store. Ended so, the daemon is replaced by the bridges, and its jobs taken up.
  if (reason === STORE_LOST) {
    log.fatal({ reason }, 'daemon ends');
    await flushed(log);
    process.exit(1);
  }
  // Its jobs are on no record any more, and another daemon may hold the directory by now.
  if (reason === STATE_REMOVED) {
    log.fatal({ reason }, 'daemon ends');
    await abandon();
    await flushed(log);
    return giveUp(refuse('daemon_unavailable', { message: `The daemon ends: ${reason}.` }).fault);
  }
  log.info({ reason }, 'daemon leaves');
  if (LAST_JOB_OVER.includes(reason)) {
    // What comes from now on is for the next daemon.
    void house.supervisor.drain();
    await lastAnswers();
    // An answer goes out in the turn in which its call ends.
    await setImmediate();
  }
  await web.close();
  await listener.value.close();
  await close();
}

/** Why the daemon is to leave, as soon as there is a reason. */
function reasonToLeave(
  settings: Settings,
  { asked, storeEnded, idleSince }: Pick<OpenHouse, 'storeEnded' | 'idleSince'> & { asked: Promise<string> },
): Promise<string> {
  const { lock, store } = stateLayout(settings.stateDir);
  return Promise.race([
    asked,
    signalled(),
    storeEnded.then(() => STORE_LOST),
    removedOf([lock, store]).then(() => STATE_REMOVED),
    // Clients over HTTP cannot start another daemon, so that one stays.
    ...(settings.http === null ? [idle(idleSince)] : []),
  ]);
}

/** Of a thread that the system does not give, Node tells the system's code alone. */
const whyBroken = (reason: string): Fault =>
  tellsExhaustion(reason)
    ? refuse('machine_exhausted', {
        message: `There is no thread, file or memory left for a daemon (${reason}).`,
      }).fault
    : refuse('daemon_unavailable', { message: 'The daemon broke.', details: { reason } }).fault;

/** Says in one line why there is no daemon, and what to do: a client that started it reads the last line. */
function giveUp(fault: Fault): void {
  const reason = typeof fault.details?.reason === 'string' ? ` ${fault.details.reason}` : '';
  // The advice of `daemon_unavailable` is to do what is being done.
  const advice = fault.code === 'daemon_unavailable' ? '' : ` ${errorTable[fault.code].advice}`;
  process.stderr.write(`offshoot: ${fault.message}${reason}${advice}\n`);
  process.exit(1);
}

/** Agents go on without the daemon, so a signal need not wait for them; a second one ends at once. */
function signalled(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

/** Clients that are connected but ask for nothing do not hold a daemon: their bridges start another. */
function idle(since: () => number): Promise<string> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (performance.now() - since() >= IDLE_MS) resolve('idle');
    }, IDLE_MS / 20);
    timer.unref();
  });
}

const flushed = (log: Log) => new Promise<void>((resolve) => log.flush(() => resolve()));

const isEntry =
  process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isEntry) await runDaemon({ foreground: false });
