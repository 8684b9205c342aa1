import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';

/** What the names of our own profiles begin with; Node's own begin otherwise. */
export const HARNESS_PROFILE = 'harness-';

/**
 * Does the work under Node's CPU profiler, and writes what this thread did to the directory. Daemons write
 * profiles of their own, one a thread.
 */
export async function profiled<Value>(directory: string | null, work: () => Promise<Value>): Promise<Value> {
  if (directory === null) return work();
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    const value = await work();
    const { profile } = await session.post('Profiler.stop');
    await writeFile(join(directory, `${HARNESS_PROFILE}${process.pid}.cpuprofile`), JSON.stringify(profile));
    return value;
  } finally {
    session.disconnect();
  }
}
