import { type Outcome, refuse, succeed } from '../errors.js';
import type { JobRecord, Submission } from './record.js';

export interface LineageLimits {
  maxDepth: number;
  maxDescendants: number;
}

/**
 * Jobs that came from the agents of other jobs. Holds the unsettled ones: what has settled can neither
 * delegate nor be cancelled.
 */
export class Lineage {
  readonly #limits: LineageLimits;
  /** Of those that a job's agent asked for. */
  readonly #parents = new Map<string, string>();
  readonly #children = new Map<string, Set<string>>();

  constructor(limits: LineageLimits) {
    this.#limits = limits;
  }

  /** Refuses a job of an agent that may not delegate, or that has delegated too much; else tells its depth. */
  admit(parent: JobRecord | null, parentJobId: string | null): Outcome<number> {
    if (parentJobId === null) return succeed(1);
    // A parent that is not ours is the job of another daemon; its depth is not known, but it is a job.
    const depth = (parent?.submission.depth ?? 1) + 1;
    const { maxDepth, maxDescendants } = this.#limits;
    if (depth > maxDepth) return refuse('nested_too_deep', { details: { max_depth: maxDepth } });
    if (this.descendants(this.#rootOf(parentJobId)).length >= maxDescendants) {
      return refuse('too_many_descendants', { details: { max_descendants: maxDescendants } });
    }
    return succeed(depth);
  }

  /** Adds a job, also one that is on its way into the store: it counts from now on. */
  add(jobId: string, { parentJobId }: Submission): void {
    if (parentJobId === null) return;
    this.#parents.set(jobId, parentJobId);
    const siblings = this.#children.get(parentJobId) ?? new Set();
    this.#children.set(parentJobId, siblings.add(jobId));
  }

  /** Forgets a job that has settled, or was not accepted after all; its children stay its descendants. */
  settle(jobId: string): void {
    const parent = this.#parents.get(jobId);
    this.#parents.delete(jobId);
    if (parent === undefined) return;
    const siblings = this.#children.get(parent);
    siblings?.delete(jobId);
    for (const child of this.#children.get(jobId) ?? []) {
      siblings?.add(child);
      this.#parents.set(child, parent);
    }
    this.#children.delete(jobId);
    if (siblings?.size === 0) this.#children.delete(parent);
  }

  /** Ids of the unsettled jobs that came from a job's agent, or from theirs. */
  descendants(jobId: string): string[] {
    const children = [...(this.#children.get(jobId) ?? [])];
    return children.flatMap((child) => [child, ...this.descendants(child)]);
  }

  #rootOf(jobId: string): string {
    const parent = this.#parents.get(jobId);
    return parent === undefined ? jobId : this.#rootOf(parent);
  }
}
