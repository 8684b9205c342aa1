import type { JobUpdates } from './job-updates.js';
import { invalidParams } from './rpc-error.js';

/** Resources that one session may be subscribed to. */
const MAXIMUM_SUBSCRIPTIONS = 1_000;
const MAXIMUM_URI_LENGTH = 2_048;
/** Updates of one resource that come closer together are told once, after this time in milliseconds. */
const TOGETHER_MS = 100;

export interface Subscriptions {
  /** Throws an `RpcError` when the URI is none, or when there are too many. */
  subscribe(uri: unknown): void;
  unsubscribe(uri: unknown): void;
  /** Forgets all of them; nothing is told any more. */
  close(): void;
}

/**
 * What one session is subscribed to. The first update of a resource is told at once. The URI of a job that is not
 * there, or of anything else, is taken as well: it is just never told of.
 */
export function sessionSubscriptions(updates: JobUpdates, tell: (uri: string) => void): Subscriptions {
  const subscribed = new Set<string>();
  /** Resources told of a moment ago, and whether they have changed again since. */
  const recent = new Map<string, { changed: boolean; timer: NodeJS.Timeout }>();
  let stop: (() => void) | null = null;

  function update(uri: string): void {
    if (!subscribed.has(uri)) return;
    const told = recent.get(uri);
    if (told === undefined) tellNow(uri);
    else told.changed = true;
  }

  function tellNow(uri: string): void {
    const timer = setTimeout(() => {
      const changed = recent.get(uri)?.changed;
      recent.delete(uri);
      if (changed) tellNow(uri);
    }, TOGETHER_MS).unref();
    recent.set(uri, { changed: false, timer });
    tell(uri);
  }

  function remove(uri: string): void {
    subscribed.delete(uri);
    clearTimeout(recent.get(uri)?.timer);
    recent.delete(uri);
    if (subscribed.size > 0) return;
    stop?.();
    stop = null;
  }

  return {
    subscribe(uri) {
      if (typeof uri !== 'string' || uri.length > MAXIMUM_URI_LENGTH)
        throw invalidParams('uri must be a URI.');
      if (!subscribed.has(uri) && subscribed.size >= MAXIMUM_SUBSCRIPTIONS) {
        throw invalidParams(`A session may have ${MAXIMUM_SUBSCRIPTIONS} subscriptions; unsubscribe first.`);
      }
      subscribed.add(uri);
      stop ??= updates(update);
    },
    unsubscribe(uri) {
      if (typeof uri === 'string') remove(uri);
    },
    close() {
      for (const uri of [...subscribed]) remove(uri);
    },
  };
}
