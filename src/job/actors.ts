import { fromPromise } from 'xstate';
import {
  type DiffInput,
  type DiffOutput,
  type JobContext,
  type JobEvent,
  jobMachine,
  type RunInput,
  type RunOutput,
  type StageInput,
  type WorktreeOutput,
} from '../../machines/job.js';
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
  /** Has the actor hear of the job's deadline if that has passed. */
  lookAtDeadline(): void;
  /** Heard just before the actor takes the end of the stage. */
  stageEnded(end: StageEnd): void;
}

export type StageEnd = { event: 'stage.done' } | { event: 'stage.broken'; problem: unknown };

/**
 * The job machine with its actors: each stage is a promise around a call of the thread pool. One machine serves
 * all jobs; `jobOf` finds the one that an actor works for.
 */
export function provideActors(pool: StagePool, jobOf: (jobId: string) => ActorsJob) {
  const stage = <Output, Input extends { jobId: string }>(
    work: (input: Input, job: ActorsJob) => Promise<Output>,
  ) =>
    fromPromise<Output, Input>(async ({ input }) => {
      const job = jobOf(input.jobId);
      try {
        const output = await work(input, job);
        job.stageEnded({ event: 'stage.done' });
        return output;
      } catch (problem) {
        job.stageEnded({ event: 'stage.broken', problem });
        throw problem;
      }
    });

  return jobMachine.provide({
    actors: {
      worktree: stage<WorktreeOutput, StageInput>(async (input, job) => {
        const stop = job.stopSignal();
        const { submission } = await job.recorded();
        return pool.run('worktree', { ...input, submission }, { stop });
      }),
      run: stage<RunOutput, RunInput>(async (input, job) => {
        const stop = job.stopSignal();
        const { submission, deadlineAt, context } = await job.recorded();
        const { path, baselineCommit } = required(context.worktree, 'worktree');
        const output = await pool.run(
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
        // What holds an agent stops it at the deadline by itself, and may come before our timer: it looks like a failure.
        if (!output.ok) job.lookAtDeadline();
        return output;
      }),
      diff: stage<DiffOutput, DiffInput>(async (input, job) => {
        const stop = job.stopSignal();
        const { submission, context } = await job.recorded();
        const { attempt: attempts, progress } = context;
        return pool.run(
          'diff',
          { ...input, submission, attempts, progress },
          { stop, onProgress: (waiting) => job.send({ type: 'run.progress', progress: waiting }) },
        );
      }),
    },
    actions: { stopStage: ({ context }) => jobOf(context.jobId).stopStage() },
  });
}

export type ProvidedMachine = ReturnType<typeof provideActors>;

function required<T>(value: T | null, what: keyof JobContext | 'deadline'): T {
  if (value === null) throw new Error(`A job that runs has a ${what}.`);
  return value;
}
