// A client that connects, starts the toy daemon if there is none, and prints the pid of the daemon it met.
import { connectDaemon } from '../../src/ipc/connect.js';
import { ownHello } from '../../src/ipc/hello.js';
import { socketPath } from '../../src/ipc/socket-path.js';
import { startDaemon } from '../../src/ipc/start-daemon.js';
import { findStateDirectory } from '../../src/state-directory.js';
import { toyDaemonEntry } from './link-toys.js';

const found = findStateDirectory();
if (!found.ok) throw new Error(found.fault.message);
const reached = await connectDaemon({
  socket: socketPath(found.value),
  hello: ownHello('operations'),
  start: () => startDaemon(found.value, toyDaemonEntry),
});
if (!reached.ok) throw new Error(JSON.stringify(reached.fault));
process.stdout.write(`${reached.value.daemon.pid}\n`, () => process.exit(0));
