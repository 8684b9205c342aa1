import type { House } from '../operations/operation.js';
import { patchUri, stateUri } from './job-uri.js';

type Listener = (uri: string) => void;

/** Calls back with the URI of each resource that has changed, until the returned function is called. */
export type JobUpdates = (listener: Listener) => () => void;

/**
 * Tells which resources change: a job's state with each of its transitions, its patch once it has settled.
 * What an agent does in between is no change; a job that is first seen in the middle counts as changed once.
 */
export function jobUpdates(house: House): JobUpdates {
  const listeners = new Set<Listener>();
  /** What each unsettled job was seen as last. */
  const seen = new Map<string, string>();
  let unsubscribe: (() => void) | null = null;

  function watch(): () => void {
    return house.supervisor.subscribe(({ record }) => {
      const { id, state, expiresAt, context } = record;
      const now = `${state} ${context.ending?.kind}`;
      if (seen.get(id) === now) return;
      seen.set(id, now);
      tell(stateUri(id));
      // Only a settled job expires.
      if (expiresAt === null) return;
      seen.delete(id);
      tell(patchUri(id));
    });
  }

  function tell(uri: string): void {
    for (const listener of listeners) listener(uri);
  }

  return (listener) => {
    listeners.add(listener);
    unsubscribe ??= watch();
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      unsubscribe?.();
      unsubscribe = null;
      seen.clear();
    };
  };
}
