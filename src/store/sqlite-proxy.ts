import type { Worker } from 'node:worker_threads';
import type { JobState } from '../../machines/job.js';
import { StoreFailure } from '../errors.js';
import { type JobRecord, jobStates } from '../job/record.js';
import type { Answer, StoreCall, StoreMessage, StoreRequest } from './sqlite-messages.js';
import { newJobRow, type RecordRow, rowReader, savedRow, type Unreadable } from './sqlite-rows.js';
import type { JobTables } from './sqlite-tables.js';
import type { ListFilter, Store } from './store.js';

interface Pending {
  /** Takes a page of rows that comes before the answer. */
  page(rows: readonly RecordRow[]): void;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * The store as the main thread sees it: each call is a message to `thread`, which runs `sqlite-thread.ts` and has
 * opened its file. What fails rejects with a `StoreFailure`. When the thread ends, so does whatever is pending, and every
 * later call.
 */
export function storeOver(thread: Worker, onUnreadable: (row: Unreadable) => void): Store {
  const pending = new Map<number, Pending>();
  const reader = rowReader(onUnreadable);
  let lastId = 0;
  let end: Error | null = null;
  let closing = false;

  /** What is asked for in one turn crosses together: a message costs far more than what it holds. */
  const unsent: StoreRequest[] = [];
  const send = (request: StoreRequest) => {
    if (unsent.length === 0) queueMicrotask(() => thread.postMessage(unsent.splice(0)));
    unsent.push(request);
  };

  const callInPages = <Call extends StoreCall>(
    page: Pending['page'],
    name: Call,
    ...parameters: Parameters<JobTables[Call]>
  ) =>
    new Promise<Answer<Call>>((resolve, reject) => {
      if (end !== null) throw end;
      if (closing) throw new StoreFailure('The store is closed.');
      lastId += 1;
      send({ id: lastId, call: name, parameters });
      pending.set(lastId, { page, resolve: resolve as Pending['resolve'], reject });
    });

  const call = <Call extends StoreCall>(name: Call, ...parameters: Parameters<JobTables[Call]>) =>
    callInPages(() => undefined, name, ...parameters);

  const receive = (message: StoreMessage) => {
    const request = pending.get(message.id);
    if (request === undefined) return;
    if ('rows' in message) {
      request.page(message.rows);
      return send({ nextPageOf: message.id });
    }
    pending.delete(message.id);
    if ('problem' in message) request.reject(new StoreFailure(`The store failed: ${message.problem}.`));
    else request.resolve(message.value);
  };

  const ended = new Promise<void>((resolve) => thread.once('exit', resolve)).then(() => {
    end ??= new StoreFailure(closing ? 'The store is closed.' : 'The thread of the store ended.');
    for (const { reject } of pending.values()) reject(end);
    pending.clear();
  });

  thread.on('message', (messages: StoreMessage[]) => {
    for (const message of messages) receive(message);
  });
  thread.on('error', (cause) => {
    end ??= new StoreFailure('The thread of the store broke.', { cause });
  });

  async function get(id: string): Promise<JobRecord | null> {
    const row = await call('get', id);
    if (row === null) return null;
    const [record] = reader.records([row]);
    // Null would say that there is no such job, and it is there.
    if (record === undefined) throw new Error('The store failed: the record of the job cannot be read.');
    return record;
  }

  /** Asks on after rows that cannot be read: they must not make the list short, which would read as its end. */
  async function list(filter: ListFilter): Promise<JobRecord[]> {
    const rows = await call('list', filter);
    const records = reader.records(rows);
    const last = rows.at(-1);
    if (last === undefined || records.length === rows.length) return records;
    const rest = { ...filter, limit: filter.limit - records.length, before: last.sequence };
    return [...records, ...(await list(rest))];
  }

  async function unsettled(): Promise<JobRecord[]> {
    const records: JobRecord[] = [];
    await callInPages((rows) => void records.push(...reader.records(rows)), 'unsettled');
    return records;
  }

  async function countByState(): Promise<Record<JobState, number>> {
    const counts = Object.fromEntries(jobStates.map((state) => [state, 0])) as Record<JobState, number>;
    for (const { state, count } of await call('countByState')) counts[state] = count;
    return counts;
  }

  return {
    create: (jobs) => call('create', jobs.map(newJobRow)),
    save: (record, entry) => call('save', savedRow(record), JSON.stringify(entry)),
    get,
    startedBy: (key) => call('startedBy', key),
    task: (id) => call('task', id),
    journal: async (id) => reader.journal(id, await call('journal', id)),
    list,
    unsettled,
    expired: (now, limit) => call('expired', now, limit),
    takeUnannounced: async () => reader.records(await call('takeUnannounced')),
    announced: (id) => call('announced', id),
    remove: (id, keepKeyUntil) => call('remove', id, keepKeyUntil),
    forgetKeys: (now) => call('forgetKeys', now),
    countByState,
    lastSequence: () => call('lastSequence'),
    close: () => {
      if (!closing) send({ call: 'close' });
      closing = true;
      return ended;
    },
  };
}
