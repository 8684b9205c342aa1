import type { Settings } from '../config.js';
import { callOperation } from '../ipc/client.js';
import { connectDaemon } from '../ipc/connect.js';
import { ownHello } from '../ipc/hello.js';
import { socketPath } from '../ipc/socket-path.js';
import { type Finding, warning, well } from './finding.js';

const PATIENCE_MS = 5_000;

/** Whether a daemon runs, and has the settings that were looked at. None is started. */
export async function lookAtDaemon({ stateDir }: Settings): Promise<Finding[]> {
  const reached = await connectDaemon({
    socket: socketPath(stateDir),
    hello: ownHello('operations'),
    patienceMs: PATIENCE_MS,
  });
  if (!reached.ok) return [well('daemon', 'none answers; the next call starts one')];
  const { socket, daemon } = reached.value;
  const differing = await callOperation(reached.value, 'settings.differing', {});
  socket.destroy();
  const name = `${daemon.version}, process ${daemon.pid}`;
  const keys = differing.ok ? (differing.value as string[]) : [];
  if (keys.length === 0) return [well('daemon', name)];
  return [
    warning(
      'daemon',
      `${name}, was started with other settings: ${keys.join(', ')}`,
      'Run `offshoot stop`; the next call starts one with those that `offshoot config` shows.',
    ),
  ];
}
