import type { JobState } from '../../machines/job.js';
import { guarded, Listeners } from './listeners.js';
import type { Inspector, JobView } from './supervisor.js';

/** Those who look on: at some jobs, at all of them, or at what their actors do. None can hold a job up. */
export class Audience {
  readonly #failed: (problem: unknown) => void;
  readonly #followers = new Listeners<JobView>();
  readonly #subscribers = new Set<(view: JobView) => void>();
  readonly #inspectors = new Set<Inspector>();

  /** `failed` is told what a listener threw. */
  constructor(failed: (problem: unknown) => void) {
    this.#failed = failed;
  }

  follow(jobIds: readonly string[], listener: (view: JobView) => void): () => void {
    return this.#followers.listen(jobIds, guarded(listener, this.#failed));
  }

  subscribe(listener: (view: JobView) => void): () => void {
    const own = guarded(listener, this.#failed);
    this.#subscribers.add(own);
    return () => void this.#subscribers.delete(own);
  }

  inspect(inspector: Inspector): () => void {
    this.#inspectors.add(inspector);
    return () => void this.#inspectors.delete(inspector);
  }

  tellFollowers(view: JobView): void {
    this.#followers.tell(view.record.id, view);
  }

  tellSubscribers(view: JobView): void {
    for (const listener of this.#subscribers) listener(view);
  }

  /** `views` is called only if somebody inspects: the place of each job in the queue takes a while to find. */
  accepted(views: () => readonly JobView[]): void {
    if (this.#inspectors.size === 0) return;
    const seen = views();
    for (const inspector of this.#inspectors) inspector.accepted(seen);
  }

  took(jobId: string, event: string, state: JobState, at: number): void {
    for (const inspector of this.#inspectors) inspector.took(jobId, event, state, at);
  }

  removed(jobId: string): void {
    for (const inspector of this.#inspectors) inspector.removed(jobId);
  }
}
