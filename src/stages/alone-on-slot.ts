import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { endWorkOn } from './marked-processes.js';

/**
 * Does work with git on a slot. Where the file `atWork` is there already, the thread or the daemon died in the
 * middle of such work: its git may still run, would write between ours and hold our locks, and is ended first.
 */
export async function aloneOnSlot<Output>(
  slot: string,
  atWork: string,
  work: () => Promise<Output>,
): Promise<Output> {
  await mkdir(dirname(atWork), { recursive: true, mode: 0o700 });
  const cutOff = await writeFile(atWork, '', { flag: 'wx', mode: 0o600 }).then(
    () => false,
    (problem: NodeJS.ErrnoException) => {
      if (problem.code === 'EEXIST') return true;
      throw problem;
    },
  );
  if (cutOff) await endWorkOn(slot);
  try {
    return await work();
  } finally {
    await rm(atWork, { force: true });
  }
}
