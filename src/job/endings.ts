import { Listeners } from './listeners.js';

/** Wakes those who wait for jobs to settle, on the transition itself. */
export class Endings {
  readonly #waiting = new Listeners<string>();

  /** Tells that a job has settled, durably. */
  ended(jobId: string): void {
    this.#waiting.tell(jobId, jobId);
  }

  /**
   * Resolves when any or all of the jobs are no longer `pending`, when `signal` aborts, or when the time is over; true
   * in the first case. At once where there are none.
   */
  wait(
    jobIds: readonly string[],
    pending: (jobId: string) => boolean,
    mode: 'any' | 'all',
    signal: AbortSignal,
    milliseconds?: number,
  ): Promise<boolean> {
    const open = new Set(jobIds.filter(pending));
    let someEnded = jobIds.length === 0 || !jobIds.every((jobId) => open.has(jobId));
    const enough = () => (mode === 'any' ? someEnded : open.size === 0);
    if (enough() || signal.aborted) return Promise.resolve(enough());
    return new Promise((resolve) => {
      const leave = this.#waiting.listen(open, (jobId) => {
        someEnded = true;
        open.delete(jobId);
        if (enough()) finish();
      });
      const timer = milliseconds === undefined ? undefined : setTimeout(() => finish(), milliseconds);
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        leave();
        resolve(enough());
      };
      signal.addEventListener('abort', finish, { once: true });
    });
  }
}
