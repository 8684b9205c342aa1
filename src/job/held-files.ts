import type { JobRecord } from './record.js';

/** The states in which a follow-up still needs the files of the job that it goes on from. */
const NEEDING: readonly JobRecord['state'][] = ['queued', 'worktree'];

/**
 * Files of jobs that follow-ups have yet to take over. Such a job may be consumed or pruned meanwhile: then it is
 * gone for everybody, but its files stay until the last of its follow-ups has them.
 */
export class HeldFiles {
  /** Ids of the jobs whose files are held, by who holds them: a follow-up's id, or a request for one. */
  readonly #held = new Map<string | object, string>();

  hold(holder: string | object, jobId: string): void {
    this.#held.set(holder, jobId);
  }

  /** Ends a hold, if there is one; gives the id of the job whose files nobody needs any more, else null. */
  release(holder: string | object): string | null {
    const jobId = this.#held.get(holder);
    this.#held.delete(holder);
    return jobId === undefined || this.isHeld(jobId) ? null : jobId;
  }

  /** Holds what a job needs in its state, or ends its hold as `release` does. */
  update({ id, state, submission: { continues } }: Pick<JobRecord, 'id' | 'state' | 'submission'>) {
    if (continues === null) return null;
    if (!NEEDING.includes(state)) return this.release(id);
    this.hold(id, continues.jobId);
    return null;
  }

  isHeld(jobId: string): boolean {
    return this.#held.size > 0 && [...this.#held.values()].includes(jobId);
  }
}
