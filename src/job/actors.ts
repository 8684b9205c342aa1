import { fromPromise } from 'xstate';
import { type JobContext, type JobEvent, jobMachine } from '../../machines/job.js';
import type { StagePool } from '../pool/pool.js';
import type { JobRecord } from './record.js';

/** What the provided actors need of the job they work for. */
export interface ActorsJob {
  /** The record as last written; it resolves once the state that asks for the stage is durable. */
  recorded(): Promise<JobRecord>;
  /** The task's text. */
  task(): Promise<string>;
  send(event: JobEvent): void;
  /** A signal of its own for each stage that is entered. */
  stopSignal(): AbortSignal;
  stopStage(): void;
}

/**
 * The job machine with its actors: each stage is a promise around a call of the thread pool. One machine serves
 * all jobs; `jobOf` finds the one that an actor works for.
 */
export const provideActors = (pool: StagePool, jobOf: (jobId: string) => ActorsJob) =>
  jobMachine.provide({
    actors: {
      worktree: fromPromise(async ({ input }) => {
        const job = jobOf(input.jobId);
        const stop = job.stopSignal();
        const { submission } = await job.recorded();
        return pool.run('worktree', { ...input, submission }, { stop });
      }),
      run: fromPromise(async ({ input }) => {
        const job = jobOf(input.jobId);
        const stop = job.stopSignal();
        const { submission, deadlineAt, context } = await job.recorded();
        const { path, baselineCommit } = required(context.worktree, 'worktree');
        return pool.run(
          'run',
          {
            ...input,
            submission,
            task: await job.task(),
            worktree: path,
            baselineCommit,
            deadlineAt: required(deadlineAt, 'deadline'),
          },
          { stop, onProgress: (progress) => job.send({ type: 'run.progress', progress }) },
        );
      }),
      diff: fromPromise(async ({ input }) => {
        const { submission, context } = await jobOf(input.jobId).recorded();
        return pool.run('diff', { ...input, submission, attempts: context.attempt });
      }),
    },
    actions: { stopStage: ({ context }) => jobOf(context.jobId).stopStage() },
  });

export type ProvidedMachine = ReturnType<typeof provideActors>;

function required<T>(value: T | null, what: keyof JobContext | 'deadline'): T {
  if (value === null) throw new Error(`A job that runs has a ${what}.`);
  return value;
}
