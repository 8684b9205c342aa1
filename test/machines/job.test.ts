import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import { createActor, fromPromise, type SnapshotFrom, waitFor } from 'xstate';
import { getAdjacencyMap, getSimplePaths } from 'xstate/graph';
import {
  type DiffInput,
  type DiffOutput,
  type JobContext,
  type JobEvent,
  jobMachine,
  type RunInput,
  type RunOutput,
  type RunReport,
  type StageInput,
  ThreadLost,
  type WorktreeOutput,
} from '../../machines/job.js';

const run: RunReport = {
  exitCode: 0,
  summary: 'done',
  threadId: 'thread',
  usage: null,
  containment: 'namespace',
  warnings: [],
};
const worktree = { path: '/w', baselineCommit: 'c0ffee', warnings: [] };
const patch = { bytes: 1, sha256: 'aa', files: 1, added: 1, removed: 0, warnings: [] };
const failure = { ok: false, code: 'agent_failed', message: 'It broke.' } as const;

const done = (state: string, output: unknown) => ({
  type: `xstate.done.actor.0.job.active.${state}`,
  output,
});
const error = (state: string, problem: unknown) => ({
  type: `xstate.error.actor.0.job.active.${state}`,
  error: problem,
});

/** Every event that can reach the machine in some state, but for the loss of a thread. */
const events = [
  { type: 'job.admitted' },
  { type: 'job.cancel', message: 'Not wanted.' },
  { type: 'job.deadline', message: 'Too late.' },
  done('worktree', { ok: true, worktree }),
  done('worktree', failure),
  error('worktree', new Error('bug')),
  done('running', { ok: true, run }),
  done('running', { ...failure, run, retryAfterMs: null }),
  done('running', { ...failure, run, retryAfterMs: 1_000 }),
  { type: 'job.retry' },
  error('running', new Error('bug')),
  done('diffing', { ok: true, patch }),
  done('diffing', { ok: false, code: 'patch_failed', message: 'No room.', patch: null }),
  error('diffing', new Error('bug')),
] as unknown as JobEvent[];

const machine = jobMachine.provide({
  actors: {
    worktree: fromPromise<WorktreeOutput, StageInput>(() => new Promise(() => undefined)),
    run: fromPromise<RunOutput, RunInput>(() => new Promise(() => undefined)),
    diff: fromPromise<DiffOutput, DiffInput>(() => new Promise(() => undefined)),
  },
  actions: { stopStage: () => undefined },
});

type Snapshot = SnapshotFrom<typeof machine>;
const traversal = {
  input: { jobId: 'j' },
  events,
  // Attempts only count up: without them a path may go around, and be walked, once.
  serializeState: ({ value, context: { attempt: _, failedAttempts: __, ...context } }: Snapshot) =>
    JSON.stringify([value, context]),
  serializeEvent: (event: JobEvent) => JSON.stringify(event),
};
const leaf = ({ value }: Snapshot) => (typeof value === 'string' ? value : value.active);
const isFinal = (snapshot: Snapshot) => snapshot.status === 'done';

/** How a job must end, told from the events of its path alone: the first cause, if there is one. */
function expectedEnd(
  path: readonly { type: string; output?: { ok: boolean; retryAfterMs?: number | null } }[],
): string {
  let captured = false;
  for (const { type, output } of path) {
    if (type === 'job.cancel') return 'cancelled';
    // A deadline bounds the agent; once its work is being captured, it is let through.
    if (type === 'job.deadline' && !captured) return 'expired';
    if (typeof output?.retryAfterMs === 'number') continue;
    if (output?.ok === false || type.startsWith('xstate.error')) return 'failed';
    if (type.startsWith('xstate.done') && type.endsWith('running')) captured = true;
  }
  return 'done';
}

describe('the job machine', () => {
  const paths = getSimplePaths(machine, traversal as never) as unknown as {
    state: Snapshot;
    steps: { state: Snapshot; event: JobEvent }[];
  }[];

  it('ends every simple path as its first cause says', () => {
    const ends = paths.filter(({ state }) => isFinal(state));
    assert.ok(ends.length > 50, `only ${ends.length} paths`);
    for (const { state, steps } of ends) {
      const path = steps.map(({ event }) => event as { type: string });
      assert.equal(leaf(state), expectedEnd(path), path.map(({ type }) => type).join(' → '));
    }
  });

  it('reaches each of its final states', () => {
    const reached = new Set(paths.filter(({ state }) => isFinal(state)).map(({ state }) => leaf(state)));
    assert.deepEqual([...reached].sort(), ['cancelled', 'done', 'expired', 'failed']);
  });

  it('can be brought to an end from wherever it is, and leaves no final state again', () => {
    const map = Object.values(getAdjacencyMap(machine, traversal as never)) as unknown as {
      state: Snapshot;
      transitions: Record<string, { state: Snapshot }>;
    }[];
    const key = traversal.serializeState;
    const next = new Map(
      map.map(({ state, transitions }) => [
        key(state),
        Object.values(transitions).map((step) => key(step.state)),
      ]),
    );
    const states = new Map(map.map(({ state }) => [key(state), state]));
    const endable = new Set([...states].filter(([, state]) => isFinal(state)).map(([id]) => id));
    for (let size = -1; size !== endable.size; ) {
      size = endable.size;
      for (const [id, targets] of next) if (targets.some((target) => endable.has(target))) endable.add(id);
    }
    assert.equal(endable.size, states.size);
    for (const [id, state] of states) {
      if (isFinal(state)) assert.deepEqual(new Set(next.get(id)), new Set(next.get(id)?.length ? [id] : []));
    }
  });

  it('tells the first cause only: a cancel after a failure changes nothing', () => {
    const snapshot = walk([
      { type: 'job.admitted' },
      done('worktree', { ok: true, worktree }),
      done('running', { ...failure, run, retryAfterMs: null }),
      { type: 'job.cancel', message: 'Late.' },
      done('diffing', { ok: true, patch }),
    ]);
    assert.equal(leaf(snapshot), 'failed');
    assert.equal(snapshot.context.ending?.code, 'agent_failed');
    assert.deepEqual(snapshot.context.patch, patch);
  });

  it('keeps the patch of a capture that could not hold all, and is not done', () => {
    const tooLarge = { ok: false, code: 'patch_too_large', message: 'Too large.', patch } as const;
    const steps = [
      { type: 'job.admitted' },
      done('worktree', { ok: true, worktree }),
      done('running', { ok: true, run }),
      done('diffing', tooLarge),
    ];
    const { context, ...end } = walk(steps);
    assert.equal(end.value, 'failed');
    assert.equal(context.ending?.code, 'patch_too_large');
    assert.deepEqual(context.patch, patch);
  });

  it('asks the stage to stop on cancel and on deadline, and waits for what the stage answers', () => {
    for (const event of [
      { type: 'job.cancel', message: 'No.' },
      { type: 'job.deadline', message: 'Late.' },
    ] satisfies JobEvent[]) {
      let stops = 0;
      const stopStage = () => {
        stops += 1;
      };
      const actor = createActor(machine.provide({ actions: { stopStage } }), { input: { jobId: 'j' } });
      actor.start();
      actor.send({ type: 'job.admitted' });
      actor.send(event);
      assert.equal(stops, 1);
      assert.equal(leaf(actor.getSnapshot()), 'worktree');
      actor.stop();
    }
  });

  it('tells what a capture waits for, and asks it on cancel to wait no longer', () => {
    let stops = 0;
    const stopStage = () => {
      stops += 1;
    };
    const provided = machine.provide({ actions: { stopStage } });
    const snapshot = provided.resolveState({
      value: { active: 'diffing' },
      context: { ...walk([]).context, worktree },
    });
    const actor = createActor(provided, { input: { jobId: 'j' }, snapshot }).start();
    const progress = { events: 3, lastEventAt: 1, activity: 'Waits for room.', usage: null };
    actor.send({ type: 'run.progress', progress });
    assert.deepEqual(actor.getSnapshot().context.progress, progress);
    actor.send({ type: 'job.cancel', message: 'No.' });
    assert.equal(stops, 1);
    assert.equal(leaf(actor.getSnapshot()), 'diffing');
    assert.equal(actor.getSnapshot().context.ending?.code, 'cancelled');
    actor.stop();
  });

  it('enters the current stage again when the daemon resumes it, and tells it whether to stop', async () => {
    for (const ending of [null, { kind: 'cancelled', code: 'cancelled', message: 'No.' } as const]) {
      const seen = await new Promise((resolve) => {
        const provided = machine.provide({
          actors: {
            run: fromPromise<RunOutput, RunInput>(({ input }) => {
              resolve(input);
              return new Promise(() => undefined);
            }),
          },
        });
        const context: JobContext = { ...walk([]).context, worktree, ending };
        const snapshot = provided.resolveState({ value: { active: 'running' }, context });
        const actor = createActor(provided, { input: { jobId: 'j' }, snapshot }).start();
        actor.send({ type: 'job.resumed' });
      });
      assert.deepEqual(seen, { jobId: 'j', stopping: ending !== null, attempt: 1, threadId: null });
    }
  });

  for (const state of ['worktree', 'running', 'diffing'] as const) {
    it(`enters ${state} again when its thread dies, three times at most, then fails the job`, async () => {
      let entered = 0;
      const lose = () => {
        entered += 1;
        return Promise.reject(new ThreadLost('gone'));
      };
      const provided = machine.provide({
        actors: {
          worktree: fromPromise<WorktreeOutput, StageInput>(lose),
          run: fromPromise<RunOutput, RunInput>(lose),
          diff: fromPromise<DiffOutput, DiffInput>(
            state === 'diffing' ? lose : async () => ({ ok: true, patch }),
          ),
        },
      });
      const snapshot = provided.resolveState({
        value: { active: state },
        context: { ...walk([]).context, worktree },
      });
      const actor = createActor(provided, { input: { jobId: 'j' }, snapshot }).start();
      actor.send({ type: 'job.resumed' });
      const end = await waitFor(actor, isFinal);
      assert.equal(entered, 4);
      assert.equal(leaf(end), 'failed');
      assert.equal(end.context.ending?.code, 'internal_error');
    });
  }

  it('captures the patch although a thread dies under that as well, after four under the run', async () => {
    let losses = 0;
    const lose = () => {
      losses += 1;
      return Promise.reject(new ThreadLost('gone'));
    };
    const provided = machine.provide({
      actors: {
        run: fromPromise<RunOutput, RunInput>(lose),
        diff: fromPromise<DiffOutput, DiffInput>(() =>
          losses < 7 ? lose() : Promise.resolve({ ok: true as const, patch }),
        ),
      },
    });
    const snapshot = provided.resolveState({
      value: { active: 'running' },
      context: { ...walk([]).context, worktree },
    });
    const actor = createActor(provided, { input: { jobId: 'j' }, snapshot }).start();
    actor.send({ type: 'job.resumed' });
    const end = await waitFor(actor, isFinal);
    assert.equal(losses, 7);
    assert.equal(end.context.ending?.code, 'internal_error');
    assert.deepEqual(end.context.patch, patch);
  });

  it('goes on with a job whose threads die three times under each of its stages', async () => {
    const lost: Record<string, number> = { worktree: 0, run: 0, diff: 0 };
    const answer = <Output>(stage: string, output: Output): Promise<Output> => {
      const times = lost[stage] ?? 0;
      if (times === 3) return Promise.resolve(output);
      lost[stage] = times + 1;
      return Promise.reject(new ThreadLost('gone'));
    };
    const provided = machine.provide({
      actors: {
        worktree: fromPromise<WorktreeOutput, StageInput>(() => answer('worktree', { ok: true, worktree })),
        run: fromPromise<RunOutput, RunInput>(() => answer('run', { ok: true, run })),
        diff: fromPromise<DiffOutput, DiffInput>(() => answer('diff', { ok: true, patch })),
      },
    });
    const actor = createActor(provided, { input: { jobId: 'j' } }).start();
    actor.send({ type: 'job.admitted' });
    const end = await waitFor(actor, isFinal);
    assert.deepEqual([leaf(end), end.context.ending], ['done', null]);
    assert.deepEqual(lost, { worktree: 3, run: 3, diff: 3 });
  });

  it('fails a job whose actors were not provided, instead of going on without them', async () => {
    const actor = createActor(jobMachine, { input: { jobId: 'j' } }).start();
    actor.send({ type: 'job.admitted' });
    const end = await waitFor(actor, isFinal);
    assert.equal(leaf(end), 'failed');
    assert.equal(end.context.ending?.code, 'internal_error');
  });

  it('describes every state, imports nothing but xstate and is one file without layout blobs', () => {
    const source = readFileSync(resolve('machines/job.ts'), 'utf8');
    assert.deepEqual(
      [...source.matchAll(/from '([^']+)'/g)].map((match) => match[1]),
      ['xstate'],
    );
    assert.ok(!source.includes('@xstate-layout'));
    const describeAll = (node: {
      states: Record<string, never>;
      description?: string;
      key: string;
    }): void => {
      assert.ok(node.description, node.key);
      for (const child of Object.values(node.states)) describeAll(child);
    };
    describeAll(jobMachine.root as never);
  });
});

function walk(steps: readonly { type: string; [key: string]: unknown }[]): Snapshot {
  const actor = createActor(machine, { input: { jobId: 'j' } }).start();
  for (const step of steps) actor.send(step as unknown as JobEvent);
  const snapshot = actor.getSnapshot();
  actor.stop();
  return snapshot;
}
