import { loadSettings } from '../config.js';
import { type Outcome, succeed } from '../errors.js';
import { callOperation } from '../ipc/client.js';
import { connectDaemon, type DaemonConnection } from '../ipc/connect.js';
import { ownHello } from '../ipc/hello.js';
import { afterWaiting, onlyReads } from '../ipc/repeatable.js';
import { socketPath } from '../ipc/socket-path.js';
import { startDaemon } from '../ipc/start-daemon.js';
import { likelyStateDirectory } from '../state-directory.js';

/** The way to the daemon for one run of the command line. */
export interface Link {
  /**
   * Calls an operation; connects first where there is no connection, or none any more. One that only reads is called
   * once more when its answer got lost, to wait for what is left of its time. Never rejects.
   */
  call<T>(operation: string, input: object, onReport?: (message: string) => void): Promise<Outcome<T>>;
}

/**
 * Gives `use` the way to the daemon of the configured state directory, and closes it afterwards. With `start`
 * a missing daemon is started by the first call, and settings that do not fit are refused before it; without it
 * that call answers `daemon_unavailable`, and nothing but the state directory counts.
 */
export async function withDaemon(
  { start }: { start: boolean },
  use: (link: Link) => Promise<Outcome<number>>,
): Promise<Outcome<number>> {
  const found = start ? stateDirectoryOfSettings() : succeed(likelyStateDirectory());
  if (!found.ok) return found;
  const stateDir = found.value;
  let connection: DaemonConnection | null = null;

  async function connected(): Promise<Outcome<DaemonConnection>> {
    if (connection !== null) return succeed(connection);
    const socket = socketPath(stateDir);
    const reached = await connectDaemon({
      socket,
      hello: ownHello('operations'),
      ...(start && { start: () => startDaemon(stateDir) }),
    });
    if (reached.ok) connection = reached.value;
    return reached;
  }

  async function callOnce<T>(...[operation, input, onReport]: Parameters<Link['call']>): Promise<Outcome<T>> {
    const reached = await connected();
    if (!reached.ok) return reached;
    const answer = await callOperation(reached.value, operation, input, onReport && { onReport });
    if (isLost(answer)) connection = null;
    return answer as Outcome<T>;
  }

  const link: Link = {
    async call<T>(...[operation, input, onReport]: Parameters<Link['call']>) {
      const since = performance.now();
      const answer = await callOnce<T>(operation, input, onReport);
      if (!isLost(answer) || !onlyReads(operation)) return answer;
      return callOnce<T>(operation, afterWaiting(operation, input, performance.now() - since), onReport);
    },
  };
  try {
    return await use(link);
  } finally {
    (connection as DaemonConnection | null)?.socket.destroy();
  }
}

/** Calls an operation whose input has an idempotency key: once more when its answer got lost, which does nothing twice. */
export async function callWithKey<T>(link: Link, operation: string, input: object): Promise<Outcome<T>> {
  const answer = await link.call<T>(operation, input);
  return isLost(answer) ? link.call<T>(operation, input) : answer;
}

const isLost = (answer: Outcome<unknown>) => !answer.ok && answer.fault.code === 'answer_lost';

function stateDirectoryOfSettings(): Outcome<string> {
  const loaded = loadSettings();
  return loaded.ok ? succeed(loaded.value.settings.stateDir) : loaded;
}
