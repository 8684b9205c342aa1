import fileSystem from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

/** What the job layer reaches for beside the ports that it is given. */
export interface Ports {
  delay(milliseconds: number): Promise<void>;
  remove(path: string): Promise<void>;
}

/**
 * Lets `work` run with these ports in place of the two calls of Node's own that the job layer makes: the wait
 * before a commit is tried again, and the deletion of a job's files.
 */
export async function withPorts<Answer>(ports: Ports, work: () => Promise<Answer>): Promise<Answer> {
  const { setTimeout: realDelay } = timers;
  const { rm: realRemove } = fileSystem;
  Object.assign(timers, { setTimeout: ports.delay });
  Object.assign(fileSystem, { rm: ports.remove });
  syncBuiltinESMExports();
  try {
    return await work();
  } finally {
    Object.assign(timers, { setTimeout: realDelay });
    Object.assign(fileSystem, { rm: realRemove });
    syncBuiltinESMExports();
  }
}
