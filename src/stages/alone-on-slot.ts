import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { removeFile } from '../git/remove-file.js';
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
  mkdirSync(dirname(atWork), { recursive: true, mode: 0o700 });
  if (!beginsNow(atWork)) await endWorkOn(slot);
  try {
    return await work();
  } finally {
    removeFile(atWork);
  }
}

/** False when the file is there already. Synchronous, as all that is short: waiting for it costs far more. */
function beginsNow(atWork: string): boolean {
  try {
    writeFileSync(atWork, '', { flag: 'wx', mode: 0o600 });
    return true;
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw problem;
  }
}
