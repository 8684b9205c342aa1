import { EventEmitter, once } from 'node:events';
import type { Progress } from '../../machines/job.js';
import type { StageName, Stages } from '../../src/pool/messages.js';
import type { StagePool } from '../../src/pool/pool.js';
import { patchReport, runReport, worktreeReport } from './house.js';

/** One stage that is under way in a simulated pool; the test says how it goes on. */
export interface StageUnderWay<Name extends StageName = StageName> {
  stage: Name;
  input: Stages[Name]['input'];
  stop: AbortSignal;
  progress(progress: Progress): void;
  answer(output: Stages[Name]['output']): void;
  lose(problem: Error): void;
}

/** A pool without threads: stages wait until the test answers them. */
export class SimulatedPool implements StagePool {
  readonly underWay: StageUnderWay[] = [];
  /** Most stages of one kind that were ever under way at once. */
  readonly most: Record<StageName, number> = {
    worktree: 0,
    run: 0,
    diff: 0,
    preflight: 0,
    account: 0,
    preview: 0,
    leftovers: 0,
    reconcile: 0,
    announce: 0,
  };
  readonly #entered = new EventEmitter().setMaxListeners(0);
  readonly #automatic: Partial<{
    [Name in StageName]: (input: Stages[Name]['input']) => Stages[Name]['output'];
  }>;

  /** Stages named in `automatic` are answered at once. */
  constructor(automatic: SimulatedPool['automaticType'] = {}) {
    this.#automatic = automatic;
  }

  declare readonly automaticType: Partial<{
    [Name in StageName]: (input: Stages[Name]['input']) => Stages[Name]['output'];
  }>;

  run<Name extends StageName>(
    stage: Name,
    input: Stages[Name]['input'],
    control: { stop?: AbortSignal; onProgress?: (progress: Progress) => void } = {},
  ): Promise<Stages[Name]['output']> {
    const automatic = this.#automatic[stage];
    if (automatic !== undefined) return Promise.resolve(automatic(input as never) as Stages[Name]['output']);
    return new Promise((resolve, reject) => {
      const leave = () => this.underWay.splice(this.underWay.indexOf(entry), 1);
      const entry: StageUnderWay = {
        stage,
        input,
        stop: control.stop ?? new AbortController().signal,
        progress: (progress) => control.onProgress?.(progress),
        answer: (output) => {
          leave();
          resolve(output as Stages[Name]['output']);
        },
        lose: (problem) => {
          leave();
          reject(problem);
        },
      };
      this.underWay.push(entry);
      this.most[stage] = Math.max(
        this.most[stage],
        this.underWay.filter((other) => other.stage === stage).length,
      );
      this.#entered.emit('entered');
    });
  }

  /** The stage of a kind that is under way, for a job if one is named; waits for it. */
  async next<Name extends StageName>(stage: Name, jobId?: string): Promise<StageUnderWay<Name>> {
    for (;;) {
      const found = this.underWay.find(
        (entry) =>
          entry.stage === stage &&
          (jobId === undefined || (entry.input as { jobId?: string }).jobId === jobId),
      );
      if (found !== undefined) return found as unknown as StageUnderWay<Name>;
      await once(this.#entered, 'entered');
    }
  }

  async close(): Promise<void> {}
}

/** Answers for the worktree of a job with nothing special about it; gives its run. */
export async function bringToRunning(pool: SimulatedPool, id: string): Promise<StageUnderWay<'run'>> {
  (await pool.next('worktree', id)).answer({ ok: true, worktree: worktreeReport });
  return pool.next('run', id);
}

/** Answers for the rest of such a job too. */
export async function finish(pool: SimulatedPool, id: string): Promise<void> {
  (await bringToRunning(pool, id)).answer({ ok: true, run: runReport });
  (await pool.next('diff', id)).answer({ ok: true, patch: patchReport });
}
