/** Wakes those who wait for jobs to settle, on the transition itself. */
export class Endings {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Tells that a job has settled, durably. */
  ended(jobId: string): void {
    const callbacks = this.#waiting.get(jobId);
    this.#waiting.delete(jobId);
    for (const callback of callbacks ?? []) callback();
  }

  /** Resolves when any or all of the jobs are no longer `pending`, or when `signal` aborts. */
  wait(
    jobIds: readonly string[],
    pending: (jobId: string) => boolean,
    mode: 'any' | 'all',
    signal: AbortSignal,
  ): Promise<void> {
    const open = new Set(jobIds.filter(pending));
    const total = new Set(jobIds).size;
    const enough = () => (mode === 'any' ? open.size < total : open.size === 0);
    if (enough() || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const callbacks = new Map<string, () => void>();
      const finish = () => {
        signal.removeEventListener('abort', finish);
        for (const [jobId, callback] of callbacks) this.#forget(jobId, callback);
        resolve();
      };
      for (const jobId of open) {
        const callback = () => {
          open.delete(jobId);
          if (enough()) finish();
        };
        callbacks.set(jobId, callback);
        this.#listen(jobId, callback);
      }
      signal.addEventListener('abort', finish, { once: true });
    });
  }

  #listen(jobId: string, callback: () => void): void {
    const callbacks = this.#waiting.get(jobId) ?? new Set();
    callbacks.add(callback);
    this.#waiting.set(jobId, callbacks);
  }

  #forget(jobId: string, callback: () => void): void {
    const callbacks = this.#waiting.get(jobId);
    callbacks?.delete(callback);
    if (callbacks?.size === 0) this.#waiting.delete(jobId);
  }
}
