import type { JobRecord, Submission } from './record.js';

/** The states in which a follow-up still needs the files of the job that it goes on from. */
const NEEDING: readonly JobRecord['state'][] = ['queued', 'worktree'];

/**
 * Files of jobs that follow-ups have yet to take over. Such a job may be consumed or pruned meanwhile: then it is
 * gone for everybody, but its files stay until the last of its follow-ups has them.
 */
export class HeldFiles {
  /** Ids of the jobs whose files are held, by who holds them: a follow-up's id, or a submission on its way. */
  readonly #held = new Map<string | object, string>();
  readonly #freed: (jobId: string) => void;

  /** `freed` is told each job whose files nobody needs any more; the job itself may still be there. */
  constructor(freed: (jobId: string) => void) {
    this.#freed = freed;
  }

  /** Holds what jobs that are about to be accepted go on from, until the answer is called. */
  holdFor(submissions: readonly Pick<Submission, 'continues'>[]): () => void {
    for (const submission of submissions) this.#hold(submission, submission.continues);
    return () => {
      for (const submission of submissions) this.#release(submission);
    };
  }

  /** Holds what a job needs in the state that it is in now. */
  update({ id, state, submission }: Pick<JobRecord, 'id' | 'state' | 'submission'>): void {
    if (NEEDING.includes(state)) this.#hold(id, submission.continues);
    else this.#release(id);
  }

  isHeld(jobId: string): boolean {
    return this.#held.size > 0 && [...this.#held.values()].includes(jobId);
  }

  #hold(holder: string | object, continues: Submission['continues']): void {
    if (continues !== null) this.#held.set(holder, continues.jobId);
  }

  #release(holder: string | object): void {
    const jobId = this.#held.get(holder);
    if (jobId === undefined) return;
    this.#held.delete(holder);
    if (!this.isHeld(jobId)) this.#freed(jobId);
  }
}
