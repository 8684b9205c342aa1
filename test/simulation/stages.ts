import {
  type DiffOutput,
  type Progress,
  type RunOutput,
  type RunReport,
  ThreadLost,
  type WorktreeOutput,
} from '../../machines/job.js';
import type { DiffTask, RunTask, StageName, Stages, WorktreeTask } from '../../src/pool/messages.js';
import type { StagePool } from '../../src/pool/pool.js';
import type { Life } from './life.js';
import type { Agent, Outside } from './outside.js';
import type { Promises } from './promises.js';
import type { Random } from './random.js';

/** How often a stage's thread dies under it, and how often a stage turns out to have a bug. */
export interface StageFaults {
  threadLost: number;
  broken: number;
}

/** One call of a stage. Its thread may die: then nothing of it goes on. */
class StageCall {
  #lost = false;

  constructor(
    readonly life: Life,
    readonly stop: AbortSignal,
    readonly onProgress: (progress: Progress) => void,
  ) {}

  lose(): void {
    this.#lost = true;
  }

  /** Calls back unless the thread, or the daemon, is dead by then. */
  guard(callback: () => void): () => void {
    return () => {
      if (this.life.alive && !this.#lost) callback();
    };
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.life.after(milliseconds, this.guard(resolve)));
  }
}

/** The thread pool of one daemon: stages that keep to the promises of the real ones, in simulated time. */
export class SimulatedStages implements StagePool {
  constructor(
    readonly life: Life,
    readonly outside: Outside,
    readonly promises: Promises,
    readonly random: Random,
    readonly faults: StageFaults,
    /** Called for each fault that came about. */
    readonly failed: (fault: 'thread lost' | 'stage broken') => void,
  ) {}

  run<Name extends StageName>(
    stage: Name,
    input: Stages[Name]['input'],
    control: { stop?: AbortSignal; onProgress?: (progress: Progress) => void } = {},
  ): Promise<Stages[Name]['output']> {
    const { random, life } = this;
    const stop = control.stop ?? new AbortController().signal;
    const call = new StageCall(life, stop, control.onProgress ?? (() => undefined));
    this.promises.stageStarted(stage, (input as { jobId: string }).jobId);
    return new Promise<Stages[Name]['output']>((resolve, reject) => {
      let open = true;
      const fail = (fault: 'thread lost' | 'stage broken', problem: Error) => {
        if (!open) return;
        call.lose();
        this.failed(fault);
        this.promises.stageFailed(stage, (input as { jobId: string }).jobId);
        reject(problem);
      };
      if (random.chance(this.faults.threadLost))
        life.after(random.between(0, 3_000), () => fail('thread lost', new ThreadLost('It died.')));
      if (random.chance(this.faults.broken))
        life.after(random.between(0, 1_000), () => fail('stage broken', new Error('It broke.')));
      this.#work(stage, input, call).then((output) => {
        open = false;
        resolve(output as Stages[Name]['output']);
      }, reject);
    });
  }

  async close(): Promise<void> {}

  #work(stage: StageName, input: unknown, call: StageCall): Promise<unknown> {
    if (stage === 'worktree') return this.worktree(input as WorktreeTask, call);
    if (stage === 'run') return this.agentRun(input as RunTask, call);
    return this.diff(input as DiffTask, call);
  }

  protected async worktree(task: WorktreeTask, call: StageCall): Promise<WorktreeOutput> {
    if (task.stopping) return { ok: false, code: 'cancelled', message: 'It ended before.' };
    this.outside.worktrees.add(task.jobId);
    await call.sleep(this.random.between(5, 400));
    if (call.stop.aborted && this.random.chance(0.5))
      return { ok: false, code: 'cancelled', message: 'It was stopped.' };
    if (this.random.chance(0.01)) return { ok: false, code: 'worktree_failed', message: 'It failed.' };
    return { ok: true, worktree: { path: `/${task.jobId}`, baselineCommit: 'c0ffee', warnings: [] } };
  }

  protected async agentRun(task: RunTask, call: StageCall): Promise<RunOutput> {
    let agent = this.find(task);
    if (agent === null) {
      if (task.stopping || call.stop.aborted) return notStarted;
      await call.sleep(this.random.between(1, 20));
      const { jobId, attempt, submission, deadlineAt } = task;
      agent = this.outside.launch(jobId, attempt, submission.repository, deadlineAt);
    }
    await this.follow(agent, task, call);
    return reportOf(agent, this.random);
  }

  protected async follow(agent: Agent, task: RunTask, call: StageCall): Promise<void> {
    const stop = call.guard(() => this.outside.stop(agent));
    call.stop.addEventListener('abort', stop, { once: true });
    if (task.stopping || call.stop.aborted) this.outside.stop(agent);
    call.onProgress({ events: 1, lastEventAt: this.life.clock.now(), activity: 'works', usage: null });
    await new Promise<void>((resolve) => this.outside.whenDead(agent, call.guard(resolve)));
  }

  protected async diff(task: DiffTask, call: StageCall): Promise<DiffOutput> {
    this.endAgents(task.jobId);
    await call.sleep(this.random.between(5, 500));
    this.removeWorktree(task.jobId);
    if (task.baselineCommit === null) return { ok: true, patch: null };
    if (this.random.chance(0.01))
      return { ok: false, code: 'patch_failed', message: 'It failed.', patch: null };
    return { ok: true, patch: { bytes: 3, sha256: 'ab', files: 1, added: 1, removed: 0, warnings: [] } };
  }

  protected find({ jobId, attempt }: RunTask): Agent | null {
    return this.outside.find(jobId, attempt);
  }

  /** What a run stage that broke has left alive. */
  protected endAgents(jobId: string): void {
    for (const agent of this.outside.living(jobId)) this.outside.kill(agent);
  }

  protected removeWorktree(jobId: string): void {
    this.outside.worktrees.delete(jobId);
  }
}

export type { StageCall };

const notStarted: RunOutput = {
  ok: false,
  code: 'cancelled',
  message: 'It ended before its agent started.',
  run: null,
  retryAfterMs: null,
};

function reportOf({ end, attempt }: Agent, random: Random): RunOutput {
  const run: RunReport = {
    exitCode: end === 'done' ? 0 : end === 'failed' || end === 'passing' ? 1 : null,
    summary: null,
    threadId: 'thread',
    usage: null,
    containment: 'namespace',
    warnings: [],
  };
  if (end === 'done') return { ok: true, run };
  if (end === 'passing') {
    const retryAfterMs = attempt < 3 ? random.between(100, 10_000) : null;
    return { ok: false, code: 'codex_rate_limited', message: 'Too many.', run, retryAfterMs };
  }
  const code = end === 'failed' ? 'agent_exited' : 'agent_killed';
  return { ok: false, code, message: `It ${end}.`, run, retryAfterMs: null };
}
