import type { Worker } from 'node:worker_threads';
import type { Answer, StoreCall, StoreMessage, StoreRequest, Unreadable } from './sqlite-messages.js';
import type { Store } from './store.js';

interface Pending {
  rows: unknown[] | null;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * The store as the main thread sees it: each call is a message to `thread`, which runs `sqlite-thread.ts` and has
 * opened its file. When the thread ends, whatever is pending rejects, and so does every later call.
 */
export function storeOver(thread: Worker, onUnreadable: (row: Unreadable) => void): Store {
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let end: Error | null = null;
  let closing = false;

  const send = (request: StoreRequest) => thread.postMessage(request);

  const call = <Call extends StoreCall>(name: Call, ...parameters: Parameters<Store[Call]>) =>
    new Promise<Answer<Call>>((resolve, reject) => {
      if (end !== null) throw end;
      if (closing) throw new Error('The store is closed.');
      lastId += 1;
      send({ id: lastId, call: name, parameters });
      pending.set(lastId, { rows: null, resolve: resolve as Pending['resolve'], reject });
    });

  const receive = (message: StoreMessage) => {
    if ('unreadable' in message) return onUnreadable(message.unreadable);
    const request = pending.get(message.id);
    if (request === undefined) return;
    if ('rows' in message) {
      request.rows ??= [];
      request.rows.push(...message.rows);
      return send({ nextPageOf: message.id });
    }
    pending.delete(message.id);
    if ('problem' in message) request.reject(new Error(`The store failed: ${message.problem}.`));
    else request.resolve(request.rows ?? message.value);
  };

  const ended = new Promise<void>((resolve) => thread.once('exit', resolve)).then(() => {
    end ??= new Error(closing ? 'The store is closed.' : 'The thread of the store ended.');
    for (const { reject } of pending.values()) reject(end);
    pending.clear();
  });

  thread.on('message', receive);
  thread.on('error', (cause) => {
    end ??= new Error('The thread of the store broke.', { cause });
  });

  return {
    create: (jobs) => call('create', jobs),
    save: (record, entry) => call('save', record, entry),
    get: (id) => call('get', id),
    task: (id) => call('task', id),
    journal: (id) => call('journal', id),
    list: (filter) => call('list', filter),
    unsettled: () => call('unsettled'),
    expired: (now, limit) => call('expired', now, limit),
    remove: (id, keepKeyUntil) => call('remove', id, keepKeyUntil),
    forgetKeys: (now) => call('forgetKeys', now),
    countByState: () => call('countByState'),
    lastSequence: () => call('lastSequence'),
    close: () => {
      if (!closing) send({ call: 'close' });
      closing = true;
      return ended;
    },
  };
}
