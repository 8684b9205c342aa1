import { setTimeout as delay } from 'node:timers/promises';
import { isDead, readStat } from '../../src/stages/proc.js';

/**
 * Resolves once a process is gone. One that has ended counts as gone, also where nobody takes note of its end: the
 * first process of a container may not.
 */
export async function gone(pid: number): Promise<void> {
  for (let stat = readStat(pid); stat !== null && !isDead(stat); stat = readStat(pid)) await delay(10);
}
