// A daemon with toy operations, started as the real one is: by path, with the state directory in its environment.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { acquireDaemonLock } from '../../src/ipc/daemon-lock.js';
import { socketPath } from '../../src/ipc/socket-path.js';
import { findStateDirectory } from '../../src/state-directory.js';
import { toyListener } from './link-toys.js';

const found = findStateDirectory();
if (!found.ok) throw new Error(found.fault.message);
const lockFile = join(found.value, 'daemon.lock');
const lock = acquireDaemonLock(lockFile);
if (!lock.ok) process.exit(lock.fault.details?.held === true ? 0 : 1);
const listener = await toyListener(socketPath(found.value));
process.once('SIGTERM', () => void listener.close().then(() => process.exit(0)));
// One that came too late to meet its test leaves with the test's directory.
setInterval(() => existsSync(lockFile) || process.exit(0), 200);
