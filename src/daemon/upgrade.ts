import { type Fault, refuse } from '../errors.js';
import type { Hello } from '../ipc/hello.js';
import type { Supervisor } from '../job/supervisor.js';

/** Makes room for the daemon of a newer client, without taking a job from this one. */
export interface Upgrade {
  /** Turns a newer client away when no job holds this daemon: the client then starts its own. */
  refuse(hello: Hello): Fault | null;
  /** Resolves once a newer client came and no job is left. */
  asked: Promise<string>;
}

/** A daemon with jobs serves newer clients too, and leaves when its last job has settled. */
export function createUpgrade(supervisor: Supervisor, version: string): Upgrade {
  let leave: (reason: string) => void = () => undefined;
  const asked = new Promise<string>((resolve) => {
    leave = resolve;
  });
  let wanted = false;
  const leaveIfIdle = () => {
    if (!wanted || !supervisor.isIdle()) return false;
    leave('upgrade');
    return true;
  };
  supervisor.subscribe(() => void leaveIfIdle());
  return {
    asked,
    refuse(hello) {
      if (!isNewer(hello.version, version)) return null;
      wanted = true;
      return leaveIfIdle() ? refuse('draining').fault : null;
    },
  };
}

/** Compares `major.minor.patch`; what follows a hyphen or plus, and what is no version, counts for nothing. */
export function isNewer(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => /^(\d+)\.(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number));
  if (a === undefined || b === undefined) return false;
  const differing = a.findIndex((part, index) => part !== b[index]);
  return differing !== -1 && (a[differing] ?? 0) > (b[differing] ?? 0);
}
