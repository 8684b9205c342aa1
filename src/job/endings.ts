import { Listeners } from './listeners.js';

/** Wakes those who wait for jobs to settle, on the transition itself. */
export class Endings {
  readonly #waiting = new Listeners<string>();

  /** Tells that a job has settled, durably. */
  ended(jobId: string): void {
    this.#waiting.tell(jobId, jobId);
  }

  /** Resolves when any or all of the jobs are no longer `pending`, when `signal` aborts, or when the time is over. At
   * once where there are none. */
  wait(
    jobIds: readonly string[],
    pending: (jobId: string) => boolean,
    mode: 'any' | 'all',
    signal: AbortSignal,
    milliseconds?: number,
  ): Promise<void> {
    const open = new Set(jobIds.filter(pending));
    const total = new Set(jobIds).size;
    const enough = () => (mode === 'any' ? open.size < total : open.size === 0);
    if (total === 0 || enough() || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const leave = this.#waiting.listen(open, (jobId) => {
        open.delete(jobId);
        if (enough()) finish();
      });
      const timer = milliseconds === undefined ? undefined : setTimeout(() => finish(), milliseconds);
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        leave();
        resolve();
      };
      signal.addEventListener('abort', finish, { once: true });
    });
  }
}
