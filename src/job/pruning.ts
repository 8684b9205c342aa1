import type { Settings } from '../config.js';
import type { Store } from '../store/store.js';
import type { Clock } from './clock.js';

const MOST_MS = 30_000;
const LEAST_MS = 500;
/** What passed its time while no daemon was there is not to be met for long. */
const FIRST_MS = 1_000;
const AT_ONCE = 200;

export interface PruningNeeds {
  store: Store;
  clock: Clock;
  /** How long a settled job is kept. */
  settings: Pick<Settings, 'resultTtlSeconds'>;
  /** Deletes a settled job and its artifacts. */
  remove(jobId: string): Promise<unknown>;
  failed(problem: unknown): void;
}

/**
 * Deletes, every so often, what is past its time to live; until the returned function is called. A job stays half a minute
 * longer at most, and one that is kept for a short time a quarter of that.
 */
export function startPruning({ store, clock, settings, remove, failed }: PruningNeeds): () => void {
  const everyMs = Math.max(LEAST_MS, Math.min(MOST_MS, settings.resultTtlSeconds * 250));
  let timer: unknown;
  let stopped = false;
  const prune = async () => {
    const now = clock.now();
    for (const jobId of await store.expired(now, AT_ONCE)) await remove(jobId);
    await store.forgetKeys(now);
  };
  const wait = (milliseconds: number) => {
    const go = () =>
      void prune()
        .catch(failed)
        .finally(() => wait(everyMs));
    if (!stopped) timer = clock.setTimeout(go, milliseconds);
  };
  wait(Math.min(FIRST_MS, everyMs));
  return () => {
    stopped = true;
    clock.clearTimeout(timer);
  };
}
