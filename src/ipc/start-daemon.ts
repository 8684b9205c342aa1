import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Outcome, refuse, succeed } from '../errors.js';
import { makePrivateDirectory } from '../state-directory.js';
import { claimStart, type StartClaim } from './start-claim.js';

/** A daemon on its way up, or one that found that another was first, or that another process is starting one. */
export interface DaemonStart {
  /**
   * How the process ended, if it ended: well when another daemon was first, else with the reason, and the signal if
   * one killed it. Never rejects.
   */
  exit: Promise<Outcome<null>>;
  /** To be called once a daemon answers. */
  serves(): void;
}

const daemonEntry = fileURLToPath(new URL('../daemon.js', import.meta.url));
/**
 * Threads of V8 that collect and compile for all others. It would have four: on two processors they take those of the
 * main thread, and a hundred calls at once are answered a sixth later.
 */
const HELPERS = Math.min(4, Math.max(1, availableParallelism() - 1));
/**
 * Keeps a daemon small, because forking takes the longer the larger a process is. Space for new objects is 2 MiB
 * instead of 16, in each thread; what is left behind by submissions is collected once it is a quarter of what is
 * in use, instead of several times as much. With 10,000 jobs in the queue that is 50 MB less. With 4 MiB a thousand
 * clients would be told of something with a fifth less work, and 10,000 queued jobs take 10 MB more.
 */
export const daemonFlags: readonly string[] = [
  '--max-semi-space-size=2',
  '--heap-growing-percent=25',
  `--v8-pool-size=${HELPERS}`,
];
const FULL = ['ENOSPC', 'EDQUOT'];
const NO_ROOM_BYTES = 64 * 1024;
const TRUNCATE_THEN_APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND;

/**
 * Starts a daemon in the background, in a session of its own and with this process's environment. What it says
 * on stderr before its log is open goes to `logs/daemon-start.log` of the state directory.
 */
export function startDaemon(stateDir: string, entry = daemonEntry): Outcome<DaemonStart> {
  const logs = join(stateDir, 'logs');
  const log = join(logs, 'daemon-start.log');
  let stderr: number;
  let claim: StartClaim | null;
  try {
    makePrivateDirectory(logs);
    claim = claimStart(join(stateDir, 'daemon.starting'));
    if (claim === null) return succeed({ exit: Promise.resolve(succeed(null)), serves: () => undefined });
    stderr = openSync(log, TRUNCATE_THEN_APPEND, 0o600);
  } catch (error) {
    const { code: reason = 'unknown' } = error as NodeJS.ErrnoException;
    if (FULL.includes(reason)) return refuse('disk_full');
    return refuse('daemon_unavailable', {
      message: `The state directory cannot be written: ${stateDir}. Set OFFSHOOT_STATE_DIR to another place.`,
      details: { state_dir: stateDir, reason },
    });
  }
  try {
    const child = spawnDetached(entry, stderr);
    if (child.pid !== undefined) claim.handTo(child.pid);
    const exit = exitOf(child, stateDir, log).finally(() => claim.release());
    return succeed({ exit, serves: () => claim.release() });
  } catch (error) {
    claim.release();
    return didNotStart((error as Error).message);
  } finally {
    closeSync(stderr);
  }
}

function spawnDetached(entry: string, stderr: number) {
  const child = spawn(process.execPath, [...daemonFlags, entry], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', stderr],
  });
  child.unref();
  return child;
}

function exitOf(
  child: ReturnType<typeof spawnDetached>,
  stateDir: string,
  log: string,
): Promise<Outcome<null>> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(didNotStart(error.message)));
    child.once('exit', (code, signal) => {
      if (code === 0) resolve(succeed(null));
      else if (isFull(stateDir)) resolve(refuse('disk_full'));
      else resolve(didNotStart(wordsOf(signal, log) ?? `ended with ${signal ?? `status ${code}`}`, signal));
    });
  });
}

/** Then a daemon cannot even say why it does not start. */
function isFull(stateDir: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(stateDir);
    return bavail * bsize < NO_ROOM_BYTES;
  } catch {
    return false;
  }
}

const didNotStart = (reason: string, signal: NodeJS.Signals | null = null) =>
  refuse('daemon_unavailable', {
    message: 'The daemon did not start.',
    details: { reason, ...(signal !== null && { signal }) },
  });

/** What a daemon said last; who is killed says nothing of it. */
const wordsOf = (signal: NodeJS.Signals | null, log: string): string | null =>
  signal === 'SIGKILL' ? null : lastWords(log);

/** What Node says last of an error that nobody caught is its version. */
function lastWords(file: string): string | null {
  try {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    const words = lines.findLast((line) => /^(\w*Error|offshoot):/.test(line)) ?? lines.at(-1);
    return words?.slice(0, 500) || null;
  } catch {
    return null;
  }
}
