import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type Outcome, refuse, succeed } from '../errors.js';
import { threadOptions } from '../thread-options.js';
import type { Opening } from './sqlite-messages.js';
import { storeOver } from './sqlite-proxy.js';
import type { Unreadable } from './sqlite-rows.js';
import type { Store } from './store.js';

export interface OpenedStore {
  store: Store;
  /** Where a damaged file was moved to before a fresh one was begun; null if there was none. */
  setAside: string | null;
  /** Resolves once the store serves no more: it was closed, or its thread died. */
  ended: Promise<void>;
}

/**
 * Opens the SQLite store in the file at the absolute `path`, or makes it, on a thread of its own. Refuses with
 * `store_newer`, `store_damaged` or `store_unavailable`. `onUnreadable` hears once of each job with a row that
 * cannot be understood: the row stays, `list`, `unsettled` and `journal` leave it out, and `get` rejects.
 */
export async function openSqliteStore(
  path: string,
  onUnreadable: (row: Unreadable) => void = () => {},
): Promise<Outcome<OpenedStore>> {
  const thread = new Worker(new URL('./sqlite-thread.js', import.meta.url), {
    workerData: { path },
    ...threadOptions(),
  });
  const opening = await firstMessage(thread);
  if (!opening.ok) return opening;
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  return succeed({ store: storeOver(thread, onUnreadable), setAside: opening.value.setAside, ended });
}

async function firstMessage(thread: Worker): Promise<Opening> {
  try {
    const [opening] = await once(thread, 'message');
    return opening;
  } catch (error) {
    return refuse('store_unavailable', { message: `The thread of the store did not start: ${error}.` });
  }
}
