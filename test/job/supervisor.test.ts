import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { after, describe, it } from 'node:test';
import { ThreadLost } from '../../machines/job.js';
import { afterBursts, atOnce } from '../../src/job/burst.js';
import { createSupervisor } from '../../src/job/job-supervisor.js';
import type { JobView, Supervisor } from '../../src/job/supervisor.js';
import { createMemoryStore } from '../../src/store/memory.js';
import type { Store } from '../../src/store/store.js';
import { temporaryDirectory } from '../support/directory.js';
import {
  letGoOn,
  patchReport,
  request,
  runReport,
  TestClock,
  testLog,
  testSettings,
  worktreeReport,
} from '../support/house.js';
import { bringToRunning, finish, SimulatedPool } from '../support/simulated-pool.js';

const never = new AbortController().signal;
const directory = await temporaryDirectory();
after(() => directory.remove());

async function open(
  over: Parameters<typeof testSettings>[1] = {},
  parts: { store?: Store; clock?: TestClock; pool?: SimulatedPool; bursts?: boolean } = {},
) {
  const store = parts.store ?? createMemoryStore();
  const clock = parts.clock ?? new TestClock();
  const pool = parts.pool ?? new SimulatedPool();
  const log = testLog();
  const settings = testSettings(directory.path, over);
  const timing = parts.bursts ? afterBursts(clock) : atOnce;
  const supervisor = await createSupervisor({ store, pool, clock, settings, timing, log });
  return { store, clock, pool, log, settings, supervisor };
}

async function submitOne(supervisor: Supervisor, over: Parameters<typeof request>[0] = {}): Promise<JobView> {
  const outcome = await supervisor.submit([request(over)]);
  assert.ok(outcome.ok);
  const [view] = outcome.value;
  assert.ok(view);
  return view;
}

const codeOf = (outcome: Awaited<ReturnType<Supervisor['submit']>>) =>
  outcome.ok ? 'ok' : outcome.fault.code;

/** Submits jobs one after another; what became of each. */
async function inTurn(supervisor: Supervisor, count: number, over = {}): Promise<string[]> {
  const codes: string[] = [];
  while (codes.length < count) codes.push(codeOf(await supervisor.submit([request(over)])));
  return codes;
}

/** Submits jobs by themselves, but all at once. */
const atATime = async (supervisor: Supervisor, count: number, over = {}) =>
  (await Promise.all(Array.from({ length: count }, () => supervisor.submit([request(over)])))).map(codeOf);

describe('the supervisor', () => {
  it('accepts a long queue, and drains it in order', async () => {
    const started: string[] = [];
    const pool = new SimulatedPool({
      worktree: ({ jobId }) => {
        started.push(jobId);
        return { ok: true, worktree: worktreeReport };
      },
      run: () => ({ ok: true, run: runReport }),
      diff: () => ({ ok: true, patch: patchReport }),
    });
    const { supervisor } = await open({}, { pool });
    const accepted = await supervisor.submit(Array.from({ length: 1_000 }, () => request()));
    assert.ok(accepted.ok);
    const ids = accepted.value.map(({ record }) => record.id);
    await supervisor.settled(ids, 'all', never);
    assert.deepEqual(started, ids);
    supervisor.close();
  });

  it('takes a job through every state, and keeps each transition with its event and instant', async () => {
    const { supervisor, pool, store, clock } = await open();
    const { record } = await submitOne(supervisor);
    await finish(pool, record.id);
    await supervisor.settled([record.id], 'all', never);
    const kept = await store.get(record.id);
    assert.equal(kept?.state, 'done');
    assert.deepEqual(kept?.context.patch, patchReport);
    assert.equal(kept?.expiresAt, clock.now() + 86_400_000);
    const journal = await supervisor.journal(record.id);
    assert.deepEqual(
      journal.map(({ state, event }) => [state, event]),
      [
        ['queued', 'job.submitted'],
        ['worktree', 'job.admitted'],
        ['running', 'stage.done'],
        ['diffing', 'stage.done'],
        ['done', 'stage.done'],
      ],
    );
    assert.ok(journal.every(({ at }) => at === clock.now()));
    supervisor.close();
  });

  it('goes on with a job, and with its listeners, when one of them throws', async () => {
    const { supervisor, pool, store, log } = await open();
    const heard: string[] = [];
    const fail = () => {
      throw new Error('not heard');
    };
    supervisor.subscribe(fail);
    supervisor.subscribe(({ record }) => heard.push(record.state));
    const { record } = await submitOne(supervisor);
    supervisor.follow([record.id], fail);
    supervisor.follow([record.id], ({ record }) => heard.push(`followed ${record.state}`));
    await finish(pool, record.id);
    await supervisor.settled([record.id], 'all', never);
    assert.equal((await store.get(record.id))?.state, 'done');
    assert.deepEqual(heard.slice(-2), ['followed done', 'done']);
    assert.equal(log.errors.length, heard.length);
    supervisor.close();
  });

  it('starts a stage only when the state that asks for it is durable', async () => {
    const memory = createMemoryStore();
    const order: string[] = [];
    const store: Store = {
      ...memory,
      save: async (record, entry) => {
        const saved = await memory.save(record, entry);
        order.push(`saved ${record.state}`);
        return saved;
      },
    };
    const pool = new SimulatedPool({
      worktree: () => {
        order.push('worktree');
        return { ok: true, worktree: worktreeReport };
      },
      run: () => {
        order.push('run');
        return { ok: true, run: runReport };
      },
      diff: () => {
        order.push('diff');
        return { ok: true, patch: patchReport };
      },
    });
    const { supervisor } = await open({}, { store, pool });
    const { record } = await submitOne(supervisor);
    await supervisor.settled([record.id], 'all', never);
    assert.deepEqual(order, [
      'saved worktree',
      'worktree',
      'saved running',
      'run',
      'saved diffing',
      'diff',
      'saved done',
    ]);
    supervisor.close();
  });

  it('never runs more jobs than the limits allow, and admits in order', async () => {
    const { supervisor, pool } = await open({ maxRunning: 3, maxRunningPerRepo: 2 });
    const ids: string[] = [];
    for (const repository of ['a', 'a', 'a', 'b', 'b', 'a']) {
      ids.push((await submitOne(supervisor, { repository })).record.id);
    }
    await pool.next('worktree', ids[3]);
    const started = () =>
      pool.underWay.map(({ input }) => ids.indexOf((input as { jobId: string }).jobId)).sort();
    assert.deepEqual(started(), [0, 1, 3]);
    assert.equal((await supervisor.look(ids[2] ?? ''))?.queuePosition, 1);
    assert.equal((await supervisor.look(ids[5] ?? ''))?.queuePosition, 3);
    for (const id of ids) await finish(pool, id);
    await supervisor.settled(ids, 'all', never);
    assert.ok(pool.most.worktree <= 3 && pool.most.run <= 3);
    assert.ok(supervisor.isIdle());
    supervisor.close();
  });

  it('admits in the order of acceptance also when the clock is put back, and after a restart too', async () => {
    const store = createMemoryStore();
    const clock = new TestClock();
    const before = await open({ maxRunning: 1 }, { store, clock });
    const ids: string[] = [];
    for (const minutesBack of [0, 0, 0, 60, 0]) {
      clock.putBack(minutesBack * 60_000);
      ids.push((await submitOne(before.supervisor)).record.id);
    }
    assert.equal(before.supervisor.nextPlace({ client: 'client', priority: 0 }), 5);
    before.supervisor.close();
    const { supervisor, pool } = await open({ maxRunning: 1 }, { store, clock });
    ids.push((await submitOne(supervisor)).record.id);
    assert.equal(supervisor.nextPlace({ client: 'client', priority: 0 }), 6);
    const places = await Promise.all(ids.map((id) => supervisor.look(id)));
    assert.deepEqual(
      places.map((view) => view?.queuePosition),
      [null, 1, 2, 3, 4, 5],
    );
    for (const id of ids) {
      assert.deepEqual(
        pool.underWay.map(({ input }) => (input as { jobId: string }).jobId),
        [id],
      );
      await finish(pool, id);
      await letGoOn();
    }
    supervisor.close();
  });

  it('cancels a queued job without admitting it', async () => {
    const { supervisor, pool } = await open({ maxRunning: 1 });
    const first = await submitOne(supervisor);
    const second = await submitOne(supervisor);
    const view = await supervisor.cancel(second.record.id, 'Not wanted.');
    assert.equal(view?.record.state, 'cancelled');
    await finish(pool, first.record.id);
    await supervisor.settled([first.record.id], 'all', never);
    assert.ok(supervisor.isIdle());
    assert.equal(pool.underWay.length, 0);
    supervisor.close();
  });

  for (const state of ['worktree', 'running', 'diffing'] as const) {
    it(`cancels a job in ${state}: the request is durable at once, the job ends when its stage has`, async () => {
      const { supervisor, pool, store } = await open();
      const { id } = (await submitOne(supervisor)).record;
      const stage =
        state === 'worktree'
          ? await pool.next('worktree', id)
          : state === 'running'
            ? await bringToRunning(pool, id)
            : await bringToRunning(pool, id).then((run) => {
                run.answer({ ok: true, run: runReport });
                return pool.next('diff', id);
              });
      const view = await supervisor.cancel(id, 'Not wanted.');
      assert.equal(view?.record.state, state);
      assert.equal((await store.get(id))?.context.ending?.kind, 'cancelled');
      assert.equal(stage.stop.aborted, true);
      if (state === 'worktree') stage.answer({ ok: false, code: 'cancelled', message: 'Stopped.' } as never);
      if (state === 'running')
        stage.answer({
          ok: false,
          code: 'agent_killed',
          message: 'Killed.',
          run: runReport,
          retryAfterMs: null,
        } as never);
      (await pool.next('diff', id)).answer({ ok: true, patch: patchReport });
      await supervisor.settled([id], 'all', never);
      const kept = await store.get(id);
      assert.equal(kept?.state, 'cancelled');
      assert.equal(kept?.context.ending?.code, 'cancelled');
      assert.deepEqual(kept?.context.patch, patchReport);
      supervisor.close();
    });
  }

  it('cancelling a settled job, or one that is not there, changes nothing', async () => {
    const { supervisor, pool, store } = await open();
    const { id } = (await submitOne(supervisor)).record;
    await finish(pool, id);
    await supervisor.settled([id], 'all', never);
    const before = await store.get(id);
    assert.equal((await supervisor.cancel(id, 'Late.'))?.record.state, 'done');
    assert.deepEqual(await store.get(id), before);
    assert.equal(await supervisor.cancel('0'.repeat(32), 'Nobody.'), null);
    supervisor.close();
  });

  it('fires deadlines when nobody asks: of the queue, and of the run', async () => {
    const { supervisor, pool, clock, store } = await open({ maxRunning: 1, queueSeconds: 100 });
    const running = (await submitOne(supervisor, { deadlineSeconds: 30 })).record.id;
    const waiting = (await submitOne(supervisor)).record.id;
    const run = await bringToRunning(pool, running);
    clock.advance(29_999);
    assert.equal(run.stop.aborted, false);
    clock.advance(1);
    assert.equal(run.stop.aborted, true);
    clock.advance(70_000);
    await supervisor.settled([waiting], 'all', never);
    assert.equal((await store.get(waiting))?.context.ending?.code, 'queue_deadline_passed');
    run.answer({ ok: false, code: 'agent_killed', message: 'Killed.', run: runReport, retryAfterMs: null });
    (await pool.next('diff', running)).answer({ ok: true, patch: patchReport });
    await supervisor.settled([running], 'all', never);
    assert.equal((await store.get(running))?.state, 'expired');
    assert.equal((await store.get(running))?.context.ending?.code, 'deadline_passed');
    supervisor.close();
  });

  it('expires a job whose agent was stopped at the deadline before its own timer came', async () => {
    const { supervisor, pool, clock, store } = await open();
    const { id } = (await submitOne(supervisor, { deadlineSeconds: 30 })).record;
    const run = await bringToRunning(pool, id);
    clock.setForward(30_000);
    run.answer({ ok: false, code: 'agent_killed', message: 'Killed.', run: runReport, retryAfterMs: null });
    (await pool.next('diff', id)).answer({ ok: true, patch: patchReport });
    await supervisor.settled([id], 'all', never);
    const record = await store.get(id);
    assert.equal(record?.state, 'expired');
    assert.equal(record?.context.ending?.code, 'deadline_passed');
    supervisor.close();
  });

  it('fails a job whose agent failed before the deadline, and has one be done that ended well after it', async () => {
    const { supervisor, pool, clock, store } = await open();
    const ids = [];
    for (const output of [
      { ok: false, code: 'agent_killed', message: 'Killed.', run: runReport, retryAfterMs: null },
      { ok: true, run: runReport },
    ] as const) {
      const { id } = (await submitOne(supervisor, { deadlineSeconds: 30 })).record;
      const run = await bringToRunning(pool, id);
      clock.setForward(output.ok ? 30_000 : 29_999);
      run.answer(output);
      (await pool.next('diff', id)).answer({ ok: true, patch: patchReport });
      await supervisor.settled([id], 'all', never);
      ids.push(id);
    }
    const states = await Promise.all(ids.map(async (id) => (await store.get(id))?.state));
    assert.deepEqual(states, ['failed', 'done']);
    supervisor.close();
  });

  it('goes on with the same agent when a thread dies under it', async () => {
    const { supervisor, pool, store } = await open();
    const { id } = (await submitOne(supervisor)).record;
    (await bringToRunning(pool, id)).lose(new ThreadLost('gone'));
    (await pool.next('run', id)).answer({ ok: true, run: runReport });
    (await pool.next('diff', id)).answer({ ok: true, patch: patchReport });
    await supervisor.settled([id], 'all', never);
    assert.equal((await store.get(id))?.state, 'done');
    supervisor.close();
  });

  it('keeps of a stage that breaks that it broke, and logs why', async () => {
    const { supervisor, pool, log } = await open();
    const { id } = (await submitOne(supervisor)).record;
    (await bringToRunning(pool, id)).lose(new ThreadLost('gone'));
    (await pool.next('run', id)).lose(new Error('a bug'));
    (await pool.next('diff', id)).answer({ ok: true, patch: patchReport });
    await supervisor.settled([id], 'all', never);
    assert.deepEqual(
      (await supervisor.journal(id)).slice(2).map(({ state, event, reason }) => [state, event, reason]),
      [
        ['running', 'stage.done', null],
        ['diffing', 'stage.broken', 'The run stage broke.'],
        ['failed', 'stage.done', null],
      ],
    );
    assert.equal(log.errors.length, 2);
    supervisor.close();
  });

  it('keeps a cancel under its own name, also in the turn in which a stage ends', async () => {
    const { supervisor, pool } = await open();
    const { id } = (await submitOne(supervisor)).record;
    (await bringToRunning(pool, id)).answer({ ok: true, run: runReport });
    await supervisor.cancel(id, 'Not wanted.');
    (await pool.next('diff', id)).answer({ ok: true, patch: patchReport });
    await supervisor.settled([id], 'all', never);
    assert.deepEqual(
      (await supervisor.journal(id)).slice(3).map(({ state, event }) => [state, event]),
      [
        ['running', 'job.cancel'],
        ['diffing', 'stage.done'],
        ['cancelled', 'stage.done'],
      ],
    );
    supervisor.close();
  });

  it('takes up every unsettled job of the store: the running first, the queued in their order', async () => {
    const store = createMemoryStore();
    const before = await open({ maxRunning: 2 }, { store });
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) ids.push((await submitOne(before.supervisor)).record.id);
    await bringToRunning(before.pool, ids[0] ?? '');
    await before.pool.next('worktree', ids[1]);
    before.supervisor.close();

    // A lower limit than the agents that are alive: they are counted, and nothing is admitted beside them.
    const { supervisor, pool } = await open({ maxRunning: 1 }, { store });
    const run = await pool.next('run', ids[0]);
    const worktree = await pool.next('worktree', ids[1]);
    assert.equal(pool.underWay.length, 2);
    assert.equal((await supervisor.look(ids[2] ?? ''))?.queuePosition, 1);
    run.answer({ ok: true, run: runReport });
    (await pool.next('diff', ids[0])).answer({ ok: true, patch: patchReport });
    await supervisor.settled([ids[0] ?? ''], 'all', never);
    assert.equal(pool.underWay.length, 1);
    worktree.answer({ ok: true, worktree: worktreeReport });
    (await pool.next('run', ids[1])).answer({ ok: true, run: runReport });
    (await pool.next('diff', ids[1])).answer({ ok: true, patch: patchReport });
    for (const id of ids.slice(2)) await finish(pool, id);
    await supervisor.settled(ids, 'all', never);
    supervisor.close();
  });

  it('expires a job whose deadline passed while no supervisor was there, and stops its agent', async () => {
    const store = createMemoryStore();
    const clock = new TestClock();
    const before = await open({}, { store, clock });
    const { id } = (await submitOne(before.supervisor, { deadlineSeconds: 30 })).record;
    await bringToRunning(before.pool, id);
    before.supervisor.close();
    clock.advance(60_000);
    const { supervisor, pool } = await open({}, { store, clock });
    const run = await pool.next('run', id);
    assert.equal((run.input as { stopping: boolean }).stopping, true);
    run.answer({ ok: false, code: 'agent_killed', message: 'Killed.', run: runReport, retryAfterMs: null });
    (await pool.next('diff', id)).answer({ ok: true, patch: patchReport });
    await supervisor.settled([id], 'all', never);
    assert.equal((await store.get(id))?.state, 'expired');
    supervisor.close();
  });

  it('enters the stage that ends a job once when its deadline passed between two attempts, with no supervisor there', async () => {
    const store = createMemoryStore();
    const clock = new TestClock();
    const before = await open({}, { store, clock });
    const { id } = (await submitOne(before.supervisor, { deadlineSeconds: 30 })).record;
    const failed = { ok: false, code: 'model_unavailable', message: 'Busy.', run: runReport } as const;
    (await bringToRunning(before.pool, id)).answer({ ...failed, retryAfterMs: 60_000 });
    while ((await store.get(id))?.state !== 'retrying') await letGoOn();
    before.supervisor.close();
    clock.advance(31_000);
    const { supervisor, pool } = await open({}, { store, clock });
    const diff = await pool.next('diff', id);
    await letGoOn();
    assert.deepEqual(
      pool.underWay.map(({ stage }) => stage),
      ['diff'],
    );
    diff.answer({ ok: true, patch: patchReport });
    await supervisor.settled([id], 'all', never);
    const kept = await store.get(id);
    assert.deepEqual([kept?.state, kept?.context.patch], ['expired', patchReport]);
    supervisor.close();
  });

  it('starts no job whose time in the queue passed while no supervisor was there', async () => {
    const store = createMemoryStore();
    const clock = new TestClock();
    const before = await open({ maxRunning: 1, queueSeconds: 10 }, { store, clock });
    const running = (await submitOne(before.supervisor, { deadlineSeconds: 1_000 })).record.id;
    await bringToRunning(before.pool, running);
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) ids.push((await submitOne(before.supervisor)).record.id);
    before.supervisor.close();
    clock.advance(100_000);
    const { supervisor, pool } = await open({ maxRunning: 2, queueSeconds: 10 }, { store, clock });
    await pool.next('run', running);
    await letGoOn();
    clock.advance(0);
    await letGoOn();
    assert.equal(pool.most.worktree, 0);
    await supervisor.settled(ids, 'all', never);
    for (const id of ids) {
      const kept = await store.get(id);
      assert.deepEqual([kept?.state, kept?.context.ending?.code], ['expired', 'queue_deadline_passed']);
    }
    supervisor.close();
  });

  it('goes by the deadline of the run alone once a job is admitted, durably or not yet', async () => {
    const memory = createMemoryStore();
    const commit = new EventEmitter();
    const save: Store['save'] = async (record, entry) => {
      if (record.state === 'worktree') await once(commit, 'go on');
      return memory.save(record, entry);
    };
    const clock = new TestClock();
    const { supervisor, pool } = await open({ queueSeconds: 10 }, { store: { ...memory, save }, clock });
    const { id } = (await submitOne(supervisor)).record;
    await letGoOn();
    clock.advance(10_000);
    commit.emit('go on');
    assert.equal((await pool.next('worktree', id)).stop.aborted, false);
    await finish(pool, id);
    await supervisor.settled([id], 'all', never);
    assert.equal((await memory.get(id))?.state, 'done');
    supervisor.close();
  });

  it('answers the same job for the same idempotency key, also two at once, and refuses other arguments', async () => {
    const { supervisor } = await open();
    const same = () => supervisor.submit([request({ idempotencyKey: 'k' })]);
    const [one, two] = await Promise.all([same(), same()]);
    assert.ok(one.ok && two.ok);
    assert.equal(one.value[0]?.record.id, two.value[0]?.record.id);
    assert.deepEqual([one.value[0]?.replayed, two.value[0]?.replayed], [false, true]);
    const other = await supervisor.submit([request({ idempotencyKey: 'k', model: 'other' })]);
    assert.equal(!other.ok && other.fault.code, 'idempotency_conflict');
    supervisor.close();
  });

  it('starts the new jobs of a batch beside those that its keys know', async () => {
    const { supervisor } = await open({ maxRunning: 1 });
    const known = await submitOne(supervisor, { idempotencyKey: 'k' });
    const batch = await supervisor.submit([
      request({ label: 'first' }),
      request({ idempotencyKey: 'k' }),
      request({ label: 'last' }),
    ]);
    assert.ok(batch.ok);
    assert.deepEqual(
      batch.value.map(({ record, replayed }) => [record.submission.label, replayed]),
      [
        ['first', false],
        [null, true],
        ['last', false],
      ],
    );
    assert.equal(batch.value[1]?.record.id, known.record.id);
    supervisor.close();
  });

  it('refuses new work when the queue is full, and accepts again when there is room', async () => {
    const { supervisor, pool } = await open({ maxRunning: 1, maxQueued: 2 });
    const ids = [(await submitOne(supervisor)).record.id];
    await pool.next('worktree', ids[0]);
    ids.push((await submitOne(supervisor)).record.id, (await submitOne(supervisor)).record.id);
    const refused = await supervisor.submit([request()]);
    assert.equal(!refused.ok && refused.fault.code, 'queue_full');
    const asked = () => supervisor.roomFor(request().submission);
    assert.deepEqual(asked(), refused, 'who asks before is told the same');
    await finish(pool, ids[0] ?? '');
    await pool.next('worktree', ids[1]);
    assert.ok(asked().ok && asked().ok, 'asking takes no room');
    await submitOne(supervisor);
    assert.ok(!asked().ok);
    supervisor.close();
  });

  it('answers a repeated call also when the queue is full', async () => {
    const { supervisor } = await open({ maxRunning: 1, maxQueued: 2 });
    const batch = ['a', 'b'].map((idempotencyKey) => request({ idempotencyKey }));
    const first = await supervisor.submit(batch);
    await submitOne(supervisor);
    const again = await supervisor.submit(batch);
    assert.ok(first.ok && again.ok);
    const ids = (views: readonly JobView[]) => views.map(({ record }) => record.id);
    assert.deepEqual(ids(again.value), ids(first.value));
    const more = await supervisor.submit([...batch, request()]);
    assert.equal(!more.ok && more.fault.code, 'queue_full');
    supervisor.close();
  });

  it('accepts no more than the queue holds, of all and of one client, however many submit at once', async () => {
    const { supervisor } = await open({ maxRunning: 1, maxQueued: 4, maxQueuedPerClient: 2 });
    const clients = ['a', 'a', 'a', 'b', 'b', 'b', 'c'];
    const outcomes = await Promise.all(clients.map((client) => supervisor.submit([request({ client })])));
    // The first has a permit: it does not wait.
    assert.deepEqual(
      clients.filter((_, index) => outcomes[index]?.ok),
      ['a', 'a', 'a', 'b', 'b'],
    );
    const refusalOf = (client: string) => {
      const room = supervisor.roomFor(request({ client }).submission);
      return room.ok ? null : room.fault.message;
    };
    assert.match(refusalOf('c') ?? '', /^The queue is full/);
    await supervisor.cancel(outcomes[4]?.ok ? (outcomes[4].value[0]?.record.id ?? '') : '', 'enough');
    assert.match(
      refusalOf('a') ?? '',
      /^As many jobs of this client wait as may \(max_queued_per_client.*2\)/,
    );
    assert.equal(refusalOf('c'), null);
    supervisor.close();
  });

  for (const [how, submitAll] of [
    ['one after another', inTurn],
    ['at once', atATime],
  ] as const) {
    it(`counts as waiting what finds no permit free, in a burst of submissions ${how}`, async () => {
      const limits = { maxRunning: 3, maxQueued: 1 };
      const { supervisor, pool, clock } = await open(limits, { bursts: true });
      const codes = await submitAll(supervisor, 5);
      assert.deepEqual(codes, ['ok', 'ok', 'ok', 'ok', 'queue_full']);
      clock.advance(1_000);
      await letGoOn();
      assert.equal(pool.underWay.length, 3);
      assert.deepEqual((await supervisor.countByState()).queued, 1);
      supervisor.close();
    });
  }

  it('takes a batch that fits into free permits and queue together, and no larger one', async () => {
    const { supervisor } = await open({ maxRunning: 3, maxQueued: 1 }, { bursts: true });
    const batch = (size: number) => supervisor.submit(Array.from({ length: size }, () => request()));
    const larger = await batch(5);
    assert.equal(!larger.ok && larger.fault.code, 'queue_full');
    assert.ok((await batch(4)).ok);
    supervisor.close();
  });

  it('counts no permit as free that a job may not have: of its repository, or of its client', async () => {
    const limits = { maxRunning: 9, maxRunningPerRepo: 2, maxRunningPerClient: 3, maxQueued: 1 };
    const { supervisor } = await open(limits, { bursts: true });
    assert.deepEqual(await inTurn(supervisor, 4), ['ok', 'ok', 'ok', 'queue_full']);
    assert.deepEqual(await atATime(supervisor, 2, { repository: 'other' }), ['ok', 'queue_full']);
    supervisor.close();
  });

  it('has no job of a client wait whose queue holds none, and starts those that need not', async () => {
    const clientLimits = { 'token ci': { maxRunning: 1, maxQueued: 0 } };
    const { supervisor, pool } = await open({ clientLimits });
    const client = 'token ci';
    assert.deepEqual(await inTurn(supervisor, 2, { client }), ['ok', 'queue_full']);
    const { id } = (await supervisor.list({ limit: 1 }))[0]?.record ?? assert.fail();
    await finish(pool, id);
    await supervisor.settled([id], 'all', never);
    await letGoOn();
    assert.deepEqual(await inTurn(supervisor, 1, { client }), ['ok']);
    supervisor.close();
  });

  it('lets the agents of one job have no more jobs than they may, however many they ask for at once', async () => {
    const { supervisor } = await open({ maxDepth: 2, maxDescendants: 2 });
    const parentJobId = (await submitOne(supervisor)).record.id;
    const child = { parentJobId, idempotencyKey: 'child' };
    const wanted = [child, child, { parentJobId }, { parentJobId }];
    const outcomes = await Promise.all(wanted.map((over) => supervisor.submit([request(over)])));
    const codes = outcomes.map((outcome) => (outcome.ok ? 'accepted' : outcome.fault.code));
    const refused = 'too_many_descendants';
    assert.deepEqual(codes, ['accepted', 'accepted', refused, refused]);
    // The second was the first: there is room for another.
    await submitOne(supervisor, { parentJobId });
    const last = await supervisor.submit([request({ parentJobId })]);
    assert.equal(!last.ok && last.fault.code, refused);
    const again = await supervisor.submit([request(child)]);
    assert.equal(again.ok && again.value[0]?.replayed, true, 'what is there already is one of them');
    supervisor.close();
  });

  it('cancels with a job also what its agent asks for meanwhile, and while it ends', async () => {
    const { supervisor, pool } = await open({ maxDepth: 2 });
    const parentJobId = (await submitOne(supervisor)).record.id;
    const run = await bringToRunning(pool, parentJobId);
    const [meanwhile] = await Promise.all([
      submitOne(supervisor, { parentJobId }),
      supervisor.cancel(parentJobId, 'Not wanted.'),
    ]);
    const whileItEnds = await submitOne(supervisor, { parentJobId });
    run.answer({ ok: true, run: runReport });
    (await pool.next('diff', parentJobId)).answer({ ok: true, patch: patchReport });
    await supervisor.settled([parentJobId], 'all', never);
    const late = await submitOne(supervisor, { parentJobId });
    for (const { record } of [meanwhile, whileItEnds, late]) {
      await supervisor.settled([record.id], 'all', never);
      assert.equal((await supervisor.look(record.id))?.record.state, 'cancelled');
    }
    assert.equal(pool.most.worktree, 1);
    assert.ok(supervisor.isIdle());
    supervisor.close();
  });

  it('holds a client to limits of its own, in place of those for each', async () => {
    const { supervisor, pool } = await open({
      clientLimits: { 'token ci': { maxRunning: 1, maxQueued: 1 } },
    });
    const first = (await submitOne(supervisor, { client: 'token ci' })).record.id;
    await pool.next('worktree', first);
    const second = (await submitOne(supervisor, { client: 'token ci' })).record.id;
    const refused = await supervisor.submit([request({ client: 'token ci' })]);
    assert.equal(!refused.ok && refused.fault.code, 'queue_full');
    const other = (await submitOne(supervisor)).record.id;
    await pool.next('worktree', other);
    assert.equal((await supervisor.look(second))?.record.state, 'queued');
    supervisor.close();
  });

  it('refuses work that the store cannot make durable, and serves on', async () => {
    const memory = createMemoryStore();
    let broken = true;
    const store: Store = {
      ...memory,
      create: (jobs) => (broken ? Promise.reject(new Error('disk full')) : memory.create(jobs)),
    };
    const { supervisor, log } = await open({}, { store });
    const refused = await supervisor.submit([request()]);
    assert.equal(!refused.ok && refused.fault.code, 'store_unavailable');
    assert.equal(log.errors.length, 1);
    broken = false;
    await submitOne(supervisor);
    supervisor.close();
  });

  it('tries no commit again once it is closed, and says so to those who wait for one', async () => {
    const memory = createMemoryStore();
    const save: Store['save'] = () => Promise.reject(new Error('disk full'));
    const store: Store = { ...memory, save };
    const { supervisor, log, clock } = await open({ maxRunning: 1 }, { store });
    await submitOne(supervisor);
    const waiting = (await submitOne(supervisor)).record.id;
    const cancelled = supervisor.cancel(waiting, 'Not wanted.').then(
      () => 'cancelled',
      () => 'not known',
    );
    await letGoOn();
    supervisor.close();
    clock.advance(1_000);
    await letGoOn();
    const tries = log.errors.length;
    clock.advance(60_000);
    await letGoOn();
    assert.equal(log.errors.length, tries);
    assert.equal(await Promise.race([cancelled, letGoOn()]), 'not known');
  });

  it('shows live progress at once, and state only when it is durable', async () => {
    const { supervisor, pool } = await open();
    const { id } = (await submitOne(supervisor)).record;
    const run = await bringToRunning(pool, id);
    run.progress({ events: 7, lastEventAt: 5, activity: 'thinks', usage: null });
    assert.equal((await supervisor.look(id))?.record.context.progress.events, 7);
    supervisor.close();
  });

  it('wakes a waiter for any job on the first that settles, and ends no job when a wait ends', async () => {
    const { supervisor, pool } = await open();
    const first = (await submitOne(supervisor)).record.id;
    const second = (await submitOne(supervisor)).record.id;
    const any = supervisor.settled([first, second], 'any', never);
    await finish(pool, second);
    await any;
    const leaving = new AbortController();
    const all = supervisor.settled([first, second], 'all', leaving.signal);
    leaving.abort();
    await all;
    assert.equal((await supervisor.look(first))?.record.state, 'worktree');
    supervisor.close();
  });

  it('tells a follower of its own jobs alone, their end included, until it leaves', async () => {
    const { supervisor, pool } = await open({ maxRunning: 1 });
    const other = (await submitOne(supervisor)).record.id;
    const followed = (await submitOne(supervisor)).record.id;
    const heard: string[] = [];
    const leave = supervisor.follow([followed], ({ record }) => heard.push(`${record.id} ${record.state}`));
    await finish(pool, other);
    await finish(pool, followed);
    await supervisor.settled([followed, other], 'all', never);
    assert.deepEqual(
      heard,
      ['worktree', 'running', 'diffing', 'done'].map((state) => `${followed} ${state}`),
    );
    leave();
    supervisor.close();
  });

  it('ends a wait whose time is over, and leaves the job as it is', async () => {
    const { supervisor } = await open();
    const { id } = (await submitOne(supervisor)).record;
    await supervisor.settled([id], 'all', never, 1);
    assert.ok(supervisor.isUnsettled(id));
    assert.deepEqual(supervisor.unsettledIds(), [id]);
    supervisor.close();
  });

  it('has a job that settled at hand for all who waited for it, until it is removed', async () => {
    const store = createMemoryStore();
    let reads = 0;
    const counting: Store = {
      ...store,
      get: (id) => {
        reads += 1;
        return store.get(id);
      },
    };
    const { supervisor, pool } = await open({}, { store: counting });
    const { id } = (await submitOne(supervisor)).record;
    await finish(pool, id);
    await supervisor.settled([id], 'all', never);
    const views = await Promise.all(Array.from({ length: 1_000 }, () => supervisor.look(id)));
    assert.ok(views.every((view) => view?.record.state === 'done'));
    assert.equal(reads, 0);
    await supervisor.remove(id);
    assert.equal(await supervisor.look(id), null);
    supervisor.close();
  });

  it('drains: admits nothing more, and is done when nothing works any more', async () => {
    const { supervisor, pool } = await open({ maxRunning: 1 });
    const working = (await submitOne(supervisor)).record.id;
    const waiting = (await submitOne(supervisor, { idempotencyKey: 'k' })).record.id;
    const run = await bringToRunning(pool, working);
    const drained = supervisor.drain();
    const refused = await supervisor.submit([request()]);
    assert.equal(!refused.ok && refused.fault.code, 'draining');
    assert.equal((await submitOne(supervisor, { idempotencyKey: 'k' })).record.id, waiting);
    run.answer({ ok: true, run: runReport });
    (await pool.next('diff', working)).answer({ ok: true, patch: patchReport });
    await drained;
    assert.equal((await supervisor.look(waiting))?.record.state, 'queued');
    supervisor.close();
  });

  it('prunes a job that has a short time to live soon after it, also where another daemon left the job', async () => {
    const settings = { resultTtlSeconds: 4 };
    const { supervisor, pool, clock, store } = await open(settings);
    const pass = async (seconds: number) => {
      for (let step = 0; step < seconds * 4; step += 1) {
        clock.advance(250);
        await letGoOn();
      }
    };
    const [first, second] = [await submitOne(supervisor), await submitOne(supervisor)];
    await finish(pool, first.record.id);
    await supervisor.settled([first.record.id], 'all', never);
    await pass(3);
    assert.ok(await store.get(first.record.id));
    await finish(pool, second.record.id);
    await supervisor.settled([second.record.id], 'all', never);
    await pass(2);
    assert.equal(await store.get(first.record.id), null);
    supervisor.close();
    clock.advance(60_000);
    const { supervisor: next } = await open(settings, { store, clock });
    assert.ok(await store.get(second.record.id));
    await pass(1);
    assert.equal(await store.get(second.record.id), null);
    next.close();
  });

  it('prunes a settled job when its time to live is over, and refuses its key for as long again', async () => {
    const { supervisor, pool, clock, store } = await open({ resultTtlSeconds: 100 });
    const { id } = (await submitOne(supervisor, { idempotencyKey: 'k' })).record;
    await finish(pool, id);
    await supervisor.settled([id], 'all', never);
    clock.advance(99_000);
    await new Promise(setImmediate);
    assert.ok(await store.get(id));
    clock.advance(31_000);
    while ((await store.get(id)) !== null) await new Promise(setImmediate);
    const again = await supervisor.submit([request({ idempotencyKey: 'k' })]);
    assert.equal(!again.ok && again.fault.code, 'idempotency_result_unavailable');
    supervisor.close();
  });
});
