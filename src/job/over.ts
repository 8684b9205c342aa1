import { existsSync } from 'node:fs';
import type { Store } from '../store/store.js';
import { notedRemovals } from './artifacts.js';
import { jobLayout } from './layout.js';
import { isSettled } from './record.js';

/**
 * Those of the jobs whose slots and processes nobody needs any more: they have settled, or were removed. A job with
 * files that the store does not know is of another store, which was damaged or moved away and may come back; and one
 * whose record cannot be read may be at work.
 */
export async function findOver(
  stateDir: string,
  store: Pick<Store, 'get'>,
  jobIds: readonly string[],
): Promise<string[]> {
  const removed = new Set(await notedRemovals(stateDir));
  const over: string[] = [];
  for (const jobId of jobIds) {
    const record = await store.get(jobId).catch(() => 'unreadable' as const);
    if (record === 'unreadable') continue;
    const hasFiles = existsSync(jobLayout(stateDir, jobId).directory);
    if (record === null ? removed.has(jobId) || !hasFiles : isSettled(record.state)) over.push(jobId);
  }
  return over;
}
