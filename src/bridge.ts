import { copyBetween } from './bridge/copy.js';
import { errorTable, type Fault, type Outcome } from './errors.js';
import { connectDaemon, type DaemonConnection } from './ipc/connect.js';
import { ownHello } from './ipc/hello.js';
import { socketPath } from './ipc/socket-path.js';
import { startDaemon } from './ipc/start-daemon.js';
import { findStateDirectory } from './state-directory.js';

/**
 * What an MCP client starts: connects its stdin and stdout to the daemon, and ends the process when the client
 * goes away. SIGTERM and SIGINT keep their default action, so that they work even while stdout is blocked.
 */
export async function runBridge(start = startDaemon): Promise<never> {
  // The client is gone: there is nobody left to work for, or to tell.
  process.stdout.on('error', () => process.exit(0));
  process.stderr.on('error', () => {});
  await copyBetween({
    input: process.stdin,
    output: process.stdout,
    connect: () => reachDaemon(start),
    onTrouble: complain,
  });
  await new Promise((resolve) => process.stdout.write('', resolve));
  process.exit(0);
}

async function reachDaemon(start: typeof startDaemon): Promise<Outcome<DaemonConnection>> {
  const found = findStateDirectory();
  if (!found.ok) return found;
  const stateDir = found.value;
  const socket = socketPath(stateDir);
  return connectDaemon({ socket, hello: ownHello('mcp'), start: () => start(stateDir) });
}

function complain({ code, message, details }: Fault): void {
  const reason = typeof details?.reason === 'string' ? ` ${details.reason}` : '';
  process.stderr.write(`offshoot: ${message}${reason} ${errorTable[code].advice}\n`);
}
