/** Whoever listens to more jobs than this is asked at each event: to be entered with each would hold the others up. */
const MANY = 1_000;

/** Who wants to hear of which jobs. A job that nobody listens to costs nothing. */
export class Listeners<Told> {
  readonly #byJob = new Map<string, Set<(told: Told) => void>>();
  readonly #toMany = new Set<{ jobIds: ReadonlySet<string>; callback: (told: Told) => void }>();

  /** Calls back with what is told of the jobs, until the returned function is called. */
  listen(jobIds: Iterable<string>, callback: (told: Told) => void): () => void {
    const listenedTo = new Set(jobIds);
    if (listenedTo.size > MANY) {
      const listener = { jobIds: listenedTo, callback };
      this.#toMany.add(listener);
      return () => void this.#toMany.delete(listener);
    }
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
    for (const { jobIds, callback } of this.#toMany) if (jobIds.has(jobId)) callback(told);
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
