import { closeSync, constants, lstatSync, openSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, refuse, succeed } from '../errors.js';
import { namesIn } from '../git/names-in.js';
import { stateLayout } from '../job/layout.js';

/**
 * The named pipe that a supervisor holds open for as long as its agent lives: that of the PID namespace it is started
 * from. Whoever sees the file can tell whether somebody holds it, from any namespace of the machine.
 */
export const signOfLife = (stateDir: string): string =>
  join(stateLayout(stateDir).namespaces, ownNamespace() ?? 'none');

/**
 * Refuses `daemon_unavailable` while agents are alive that were started from another PID namespace: a sandbox, a
 * container, or the machine outside of this one. From here they cannot be seen, and would be taken for dead. Forgets
 * namespaces in which none is alive.
 */
export function refuseAmongUnseenAgents(stateDir: string): Outcome<null> {
  const { namespaces } = stateLayout(stateDir);
  const own = ownNamespace();
  if (own === null) return succeed(null);
  for (const namespace of namesIn(namespaces)) {
    if (namespace === own) continue;
    const sign = join(namespaces, namespace);
    if (isHeld(sign)) return unseen;
    rmSync(sign, { recursive: true, force: true });
  }
  return succeed(null);
}

const unseen = refuse('daemon_unavailable', {
  message:
    'Agents of this state directory are alive that cannot be seen from here: they were started in another PID namespace. Start the daemon there, or when they have ended.',
});

/** Whether somebody has a named pipe open for reading: see fifo(7). */
function isHeld(pipe: string): boolean {
  try {
    if (!lstatSync(pipe).isFIFO()) return false;
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch {
    return false;
  }
}

/** Its number, which no other has at the same time; null where there is no /proc. */
function ownNamespace(): string | null {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? null;
  } catch {
    return null;
  }
}
