/** Who wants to hear of which jobs. A job that nobody listens to costs nothing. */
export class Listeners<Told> {
  readonly #byJob = new Map<string, Set<(told: Told) => void>>();

  /** Calls back with what is told of the jobs, until the returned function is called. */
  listen(jobIds: Iterable<string>, callback: (told: Told) => void): () => void {
    const listenedTo = [...jobIds];
    for (const jobId of listenedTo) {
      const callbacks = this.#byJob.get(jobId) ?? new Set();
      this.#byJob.set(jobId, callbacks.add(callback));
    }
    return () => {
      for (const jobId of listenedTo) {
        const callbacks = this.#byJob.get(jobId);
        callbacks?.delete(callback);
        if (callbacks?.size === 0) this.#byJob.delete(jobId);
      }
    };
  }

  tell(jobId: string, told: Told): void {
    for (const callback of this.#byJob.get(jobId) ?? []) callback(told);
  }
}

/** A listener whose exception is told to `failed`, and costs neither the job nor other listeners anything. */
export const guarded =
  <Told>(listener: (told: Told) => void, failed: (problem: unknown) => void): ((told: Told) => void) =>
  (told) => {
    try {
      listener(told);
    } catch (problem) {
      failed(problem);
    }
  };
