import { readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, refuse, succeed } from '../errors.js';
import { namesIn } from '../git/slot-name.js';
import { stateLayout } from '../job/layout.js';

/** Supervisors touch the file of their namespace every half minute: twice that is time enough for a busy machine. */
const ALIVE_MS = 60_000;

/** The file that a supervisor touches for as long as its agent lives: that of the PID namespace it is started from. */
export const pulseFile = (stateDir: string): string =>
  join(stateLayout(stateDir).namespaces, ownNamespace() ?? 'none');

/**
 * Refuses `daemon_unavailable` while agents may be alive that were started from another PID namespace: a sandbox, a
 * container, or the machine outside of this one. From here they cannot be seen, and would be taken for dead. Forgets
 * namespaces from which none has been alive for a minute.
 */
export function refuseAmongUnseenAgents(stateDir: string, now: number): Outcome<null> {
  const { namespaces } = stateLayout(stateDir);
  const own = ownNamespace();
  if (own === null) return succeed(null);
  for (const namespace of namesIn(namespaces)) {
    if (namespace === own) continue;
    const file = join(namespaces, namespace);
    const touched = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    // The clock may have been set back since: then the file is of a later time.
    if (Math.abs(now - touched) < ALIVE_MS) return unseen;
    rmSync(file, { force: true });
  }
  return succeed(null);
}

const unseen = refuse('daemon_unavailable', {
  message:
    'Agents of this state directory were alive a minute ago that cannot be seen from here: they were started in another PID namespace. Start the daemon there, or once they have been dead for a minute.',
});

/** Its number, which no other has at the same time; null where there is no /proc. */
function ownNamespace(): string | null {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? null;
  } catch {
    return null;
  }
}
