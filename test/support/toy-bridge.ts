// The bridge as it is, but for the daemon that it starts.
import { runBridge } from '../../src/bridge.js';
import { startDaemon } from '../../src/ipc/start-daemon.js';
import { toyDaemonEntry } from './link-toys.js';

await runBridge((stateDir) => startDaemon(stateDir, toyDaemonEntry));
