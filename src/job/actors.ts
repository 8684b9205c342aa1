import { fromPromise } from 'xstate';
import { type JobContext, jobMachine, type Progress } from '../../machines/job.js';
import type { StagePool } from '../pool/pool.js';
import type { JobRecord } from './record.js';

/** What the provided actors need of the job they work for. */
export interface ActorsJob {
  /** The record as last written; it resolves once the state that asks for the stage is durable. */
  recorded(): Promise<JobRecord>;
  /** The task's text. */
  task(): Promise<string>;
  onProgress(progress: Progress): void;
  /** A signal of its own for each stage that is entered. */
  stopSignal(): AbortSignal;
  stopStage(): void;
}

/** The job machine with its actors: each stage is a promise around a call of the thread pool. */
export const provideActors = (pool: StagePool, job: ActorsJob) =>
  jobMachine.provide({
    actors: {
      worktree: fromPromise(async ({ input }) => {
        const stop = job.stopSignal();
        const { submission } = await job.recorded();
        return pool.run('worktree', { ...input, submission }, { stop });
      }),
      run: fromPromise(async ({ input }) => {
        const stop = job.stopSignal();
        const { submission, deadlineAt, context } = await job.recorded();
        return pool.run(
          'run',
          {
            ...input,
            submission,
            task: await job.task(),
            worktree: required(context.worktree, 'worktree').path,
            deadlineAt: required(deadlineAt, 'deadline'),
          },
          { stop, onProgress: job.onProgress },
        );
      }),
      diff: fromPromise(async ({ input }) => {
        const { submission, context } = await job.recorded();
        return pool.run('diff', { ...input, submission, attempts: context.attempt });
      }),
    },
    actions: { stopStage: job.stopStage },
  });

export type ProvidedMachine = ReturnType<typeof provideActors>;

function required<T>(value: T | null, what: keyof JobContext | 'deadline'): T {
  if (value === null) throw new Error(`A job that runs has a ${what}.`);
  return value;
}
