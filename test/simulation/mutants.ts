import type { DiffOutput, RunOutput } from '../../machines/job.js';
import { isSettled } from '../../src/job/record.js';
import type { RunTask } from '../../src/pool/messages.js';
import { createMemoryStore } from '../../src/store/memory.js';
import type { NewJob, Store } from '../../src/store/store.js';
import { Life } from './life.js';
import { SimulatedStages, type StageCall } from './stages.js';
import type { Mutant } from './world.js';

/** A store that is wrong in some calls. */
const store = (wrong: (store: Store) => Partial<Store>): Mutant => ({
  store: (right) => ({ ...right, ...wrong(right) }),
});

class LeavesAgents extends SimulatedStages {
  protected override async agentRun(task: RunTask, call: StageCall): Promise<RunOutput> {
    const stopped = new Promise<RunOutput>((resolve) => {
      const answer = call.guard(() =>
        resolve({ ok: false, code: 'cancelled', message: 'Stopped.', run: null, retryAfterMs: null }),
      );
      call.stop.addEventListener('abort', answer, { once: true });
    });
    return Promise.race([super.agentRun(task, call), stopped]);
  }

  protected override endAgents(): void {}
}

class StartsAgain extends SimulatedStages {
  protected override find(): null {
    return null;
  }
}

class LeavesWorktrees extends SimulatedStages {
  #diffs = 0;

  protected override async diff(...call: Parameters<SimulatedStages['diff']>): Promise<DiffOutput> {
    this.#diffs += 1;
    return super.diff(...call);
  }

  protected override removeWorktree(jobId: string): void {
    if (this.#diffs % 20 !== 0) super.removeWorktree(jobId);
  }
}

class Sleepy extends Life {
  override after(milliseconds: number, happen: () => void): unknown {
    // A commit is short and a prune comes each 30 s; what lies between are deadlines.
    return super.after(milliseconds > 2_500 && milliseconds < 30_000 ? 3_600_000 : milliseconds, happen);
  }
}

/** A store that lets a job settle again. */
function forgiving(): Store {
  const right = createMemoryStore();
  return {
    ...right,
    async save(record, entry) {
      if (await right.save(record, entry)) return true;
      const kept = await right.get(record.id);
      if (kept === null) return false;
      await right.remove(record.id, 0);
      await right.forgetKeys(Number.POSITIVE_INFINITY);
      return (await right.create([{ record, task: '', argumentsHash: '', entry }])).ok;
    },
  };
}

/** A store that knows no keys. */
function forgetful(): Store {
  const right = createMemoryStore();
  const withoutKey = (job: NewJob): NewJob => ({
    ...job,
    record: { ...job.record, submission: { ...job.record.submission, idempotencyKey: null } },
  });
  return { ...right, create: (jobs) => right.create(jobs.map(withoutKey)) };
}

/** Daemons that each break one promise: the simulation must find every one of them. */
export const mutants: Record<string, Mutant> = {
  'acknowledges a job that it does not keep': store((right) => ({
    create: async (jobs) => (jobs.length > 1 ? { ok: true } : right.create(jobs)),
  })),
  'forgets a queued job when it starts again': store((right) => ({
    unsettled: async () => (await right.unsettled()).slice(0, -1),
  })),
  'forgets running jobs when it starts again': store((right) => ({
    unsettled: async () => (await right.unsettled()).filter(({ state }) => state === 'queued'),
  })),
  'acts before its state is durable': store((right) => ({
    save: async (record, entry) => {
      void right.save(record, entry).catch(() => undefined);
      return true;
    },
  })),
  'does not keep why a job is to end': store((right) => ({
    save: (record, entry) =>
      right.save(
        isSettled(record.state) ? record : { ...record, context: { ...record.context, ending: null } },
        entry,
      ),
  })),
  'evicts results that nobody has read': store((right) => ({
    expired: (now, limit) => right.expired(now + 100_000, limit),
  })),
  'forgets the keys of jobs': { kept: forgetful },
  'lets a job settle twice': {
    kept: forgiving,
    store: (right) => ({
      ...right,
      save: async (record, entry) => {
        const saved = await right.save(record, entry);
        if (record.state === 'cancelled') await right.save({ ...record, state: 'failed' }, entry);
        return saved;
      },
    }),
  },
  'admits one job more than the limit': {
    settings: (right) => ({ ...right, maxRunning: right.maxRunning + 1 }),
  },
  'admits one job more than the limit of a repository': {
    settings: (right) => ({ ...right, maxRunningPerRepo: right.maxRunningPerRepo + 1 }),
  },
  'ends a job before its agent is dead': { stages: LeavesAgents },
  'starts an agent that runs already': { stages: StartsAgain },
  'leaves a worktree behind now and then': { stages: LeavesWorktrees },
  'misses deadlines': { life: Sleepy },
};
