import type { Store } from '../store/store.js';
import type { Clock } from './clock.js';

const EVERY_MS = 30_000;
const AT_ONCE = 200;

export interface PruningNeeds {
  store: Store;
  clock: Clock;
  /** Deletes a settled job and its artifacts. */
  remove(jobId: string): Promise<unknown>;
  failed(problem: unknown): void;
}

/** Deletes, every so often, what is past its time to live; until the returned function is called. */
export function startPruning({ store, clock, remove, failed }: PruningNeeds): () => void {
  let timer: unknown;
  let stopped = false;
  const prune = async () => {
    const now = clock.now();
    for (const jobId of await store.expired(now, AT_ONCE)) await remove(jobId);
    await store.forgetKeys(now);
  };
  const wait = () => {
    if (!stopped) timer = clock.setTimeout(() => void prune().catch(failed).finally(wait), EVERY_MS);
  };
  wait();
  return () => {
    stopped = true;
    clock.clearTimeout(timer);
  };
}
