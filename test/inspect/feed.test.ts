import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFeed } from '../../src/inspect/feed.js';
import type { Frame, JobRow } from '../../src/inspect/frames.js';
import { createHistory } from '../../src/inspect/history.js';
import { statelyTranslator } from '../../src/inspect/stately.js';
import { createSupervisor } from '../../src/job/job-supervisor.js';
import { createMemoryStore } from '../../src/store/memory.js';
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
import { until } from '../support/link-toys.js';
import { SimulatedPool } from '../support/simulated-pool.js';

const TASK = 'the words of the task';

async function makeHouse(
  pool = new SimulatedPool({ worktree: () => ({ ok: true, worktree: worktreeReport }) }),
) {
  const clock = new TestClock();
  const store = createMemoryStore();
  const settings = testSettings('/nonexistent', { maxRunning: 2 });
  const start = () => createSupervisor({ store, pool, settings, clock, log: testLog() });
  const supervisor = await start();
  return { clock, store, pool, supervisor, feed: createFeed(supervisor, clock), start };
}
type House = Awaited<ReturnType<typeof makeHouse>>;

/** A viewer that keeps what it was sent; it takes all, unless `full` is set. */
function viewer() {
  const frames: Frame[] = [];
  const rows = new Map<string, JobRow>();
  const steps: string[] = [];
  const self = {
    frames,
    rows,
    steps,
    full: false,
    send(frame: Frame) {
      frames.push(frame);
      for (const job of frame.jobs) {
        rows.set(job.row.id, job.row);
        steps.push(...job.steps.map(({ event, state }) => `${event} ${state}`));
      }
      for (const id of frame.gone) rows.delete(id);
      return !self.full;
    },
  };
  return self;
}

/** Lets what is under way go on, and the time until the next frame pass. */
async function settle({ clock }: House): Promise<void> {
  await letGoOn();
  clock.advance(2_000);
  await letGoOn();
}

async function submit({ supervisor }: House, count = 1): Promise<string[]> {
  const accepted = await supervisor.submit(
    Array.from({ length: count }, () => request({ label: 'a label' }, TASK)),
  );
  assert.ok(accepted.ok);
  return accepted.value.map(({ record }) => record.id);
}

describe('the feed', () => {
  it('tells each step of a job, and in its row how it is now', async () => {
    const house = await makeHouse();
    const seen = viewer();
    house.feed.watch(seen);
    const [id = ''] = await submit(house);
    const running = await house.pool.next('run', id);
    await settle(house);
    assert.equal(seen.rows.get(id)?.state, 'running');
    running.answer({ ok: true, run: runReport });
    (await house.pool.next('diff', id)).answer({ ok: true, patch: patchReport });
    await settle(house);
    assert.deepEqual(seen.steps, [
      'job.admitted worktree',
      'stage.done running',
      'stage.done diffing',
      'stage.done done',
    ]);
    assert.equal(seen.rows.get(id)?.state, 'done');
    assert.deepEqual(seen.rows.get(id)?.patch, { bytes: 3, files: 1, added: 1, removed: 0 });
    assert.equal(seen.frames.at(-1)?.counts.done, 1);
  });

  it('counts once for a viewer that comes while it counts for one that has left', async () => {
    const house = await makeHouse();
    const { supervisor, feed } = house;
    const count = supervisor.countByState.bind(supervisor);
    let counted = 0;
    let answer = () => {};
    const slow = new Promise<void>((resolve) => {
      answer = resolve;
    });
    supervisor.countByState = async () => {
      counted += 1;
      await slow;
      return count();
    };
    const leaving = feed.watch(viewer());
    await settle(house);
    leaving?.close();
    const staying = viewer();
    feed.watch(staying);
    assert.equal(counted, 1);
    answer();
    await letGoOn();
    await submit(house);
    await settle(house);
    assert.equal(counted, 2);
    assert.equal(staying.rows.size, 1);
  });

  it('shows all jobs to who comes late, also to one who comes after a restart', async () => {
    const house = await makeHouse();
    const ids = await submit(house, 3);
    await house.pool.next('run', ids[1]);
    await settle(house);
    const late = viewer();
    house.feed.watch(late);
    await settle(house);
    const states = () => ids.map((id) => late.rows.get(id)?.state);
    assert.deepEqual(states(), ['running', 'running', 'queued']);
    assert.equal(late.rows.get(ids[2] ?? '')?.queuePosition, 1);

    house.supervisor.close();
    const restarted = { ...house, supervisor: await house.start() };
    const after = viewer();
    createFeed(restarted.supervisor, house.clock).watch(after);
    await settle(restarted);
    assert.deepEqual(
      ids.map((id) => after.rows.get(id)?.state),
      states(),
    );
  });

  it("tells Stately's inspector each state once, in order, although the clock goes on meanwhile", async () => {
    const house = await makeHouse();
    const { now } = house.clock;
    let looks = 0;
    house.clock.now = () => now() + looks++;
    const translate = statelyTranslator('{}');
    const states: unknown[] = [];
    const send = (frame: Frame) => {
      for (const { type, snapshot } of translate(frame))
        if (type === '@xstate.snapshot') states.push(snapshot);
      return true;
    };
    house.feed.watch({ send });
    const [id = ''] = await submit(house);
    await house.pool.next('run', id);
    await settle(house);
    assert.deepEqual(
      states.map((snapshot) => (snapshot as { value: { active: string } }).value.active),
      ['queued', 'worktree', 'running'],
    );
  });

  it('tells anew the places of those who wait when one leaves the queue', async () => {
    const house = await makeHouse();
    const seen = viewer();
    house.feed.watch(seen);
    const [, , left = '', ...behind] = await submit(house, 5);
    const assertPlaces = async (ids: readonly string[], wanted: readonly (number | null)[]) => {
      const places = () => ids.map((id) => seen.rows.get(id)?.queuePosition);
      // The longer telling took, the later they are told.
      await until(async () => {
        await settle(house);
        return places().join() === wanted.join();
      });
    };
    await assertPlaces([left, ...behind], [1, 2, 3]);
    await house.supervisor.cancel(left, 'cancelled');
    await assertPlaces([left, ...behind], [null, 1, 2]);
    const [next = ''] = await submit(house);
    await assertPlaces([...behind, next], [1, 2, 3]);
    const translate = statelyTranslator('{}');
    const told = seen.frames.flatMap(translate).filter(({ sessionId }) => behind.includes(sessionId));
    assert.deepEqual(
      told.map(({ type }) => type),
      behind.flatMap(() => ['@xstate.actor', '@xstate.snapshot']),
    );
  });

  it('says that more are coming until every job was read', async () => {
    const house = await makeHouse();
    const ids = await submit(house, 3);
    await house.pool.next('run', ids[1]);
    const list = house.supervisor.list.bind(house.supervisor);
    let read = () => {};
    const reading = new Promise<void>((resolve) => {
      read = resolve;
    });
    house.supervisor.list = async (filter) => {
      if (filter.state === undefined) await reading;
      return list(filter);
    };
    const seen = viewer();
    house.feed.watch(seen);
    await settle(house);
    const told = () => [seen.rows.size, seen.frames.at(-1)?.more];
    assert.deepEqual(told(), [2, true]);
    read();
    await settle(house);
    assert.deepEqual(told(), [3, false]);

    const alone = viewer();
    const empty = await makeHouse();
    empty.feed.watch(alone);
    await settle(empty);
    assert.deepEqual(
      alone.frames.map(({ jobs, more }) => [jobs.length, more]),
      [[0, false]],
    );
  });

  it('tells of a job at most ten times a second, however much its agent does', async () => {
    const house = await makeHouse();
    const seen = viewer();
    house.feed.watch(seen);
    const [id = ''] = await submit(house);
    const running = await house.pool.next('run', id);
    await settle(house);
    const before = seen.frames.length;
    for (let events = 1; events <= 1_000; events += 1) {
      running.progress({ events, lastEventAt: events, activity: `step ${events}`, usage: null });
    }
    await settle(house);
    assert.equal(seen.frames.length, before + 1);
    assert.equal(seen.rows.get(id)?.events, 1_000);
    assert.equal(seen.rows.get(id)?.activity, 'step 1000');
  });

  it('waits for a viewer that can take no more, and then tells it only the latest', async () => {
    const house = await makeHouse();
    const slow = viewer();
    slow.full = true;
    const watch = house.feed.watch(slow);
    await settle(house);
    assert.equal(slow.frames.length, 1);
    const ids = await submit(house, 600);
    await settle(house);
    const removed = ids[599] ?? '';
    await house.supervisor.cancel(removed, 'cancelled');
    await settle(house);
    await house.supervisor.remove(removed);
    await settle(house);
    assert.equal(slow.frames.length, 1);
    slow.full = false;
    watch?.resume();
    assert.deepEqual(
      slow.frames.slice(1).map(({ jobs, more }) => [jobs.length, more]),
      [
        [500, true],
        [99, false],
      ],
    );
    assert.equal(slow.rows.has(removed), false);
  });

  it('never holds the text of a task, a path of a worktree or a message of an agent', async () => {
    const house = await makeHouse();
    const seen = viewer();
    house.feed.watch(seen);
    const [id = ''] = await submit(house);
    (await house.pool.next('run', id)).answer({ ok: true, run: runReport });
    (await house.pool.next('diff', id)).answer({ ok: true, patch: patchReport });
    await settle(house);
    const everything = JSON.stringify(seen.frames);
    for (const secret of [TASK, worktreeReport.path, runReport.summary, runReport.threadId]) {
      assert.ok(!everything.includes(secret ?? ''), secret ?? '');
    }
  });

  it('watches nothing once the last viewer is gone', async () => {
    const house = await makeHouse();
    const seen = viewer();
    const watch = house.feed.watch(seen);
    await settle(house);
    watch?.close();
    const frames = seen.frames.length;
    await submit(house);
    await settle(house);
    assert.equal(seen.frames.length, frames);
  });

  it('has room for a bounded number of viewers', async () => {
    const house = await makeHouse();
    const watches = Array.from({ length: 70 }, () => house.feed.watch(viewer()));
    assert.equal(watches.filter((watch) => watch !== null).length, 64);
  });
});

describe('the history', () => {
  it('samples the queue and what ended, and rests while nothing happens', async () => {
    const house = await makeHouse();
    const history = createHistory(house.supervisor, house.clock);
    const pass = async () => {
      await letGoOn();
      house.clock.advance(5_000);
      await letGoOn();
    };
    const ids = await submit(house, 3);
    await house.pool.next('run', ids[1]);
    await pass();
    const { queued, working } = history.samples().at(-1) ?? {};
    assert.deepEqual([queued, working], [1, 2]);
    await house.supervisor.cancel(ids[2] ?? '', 'cancelled');
    await pass();
    assert.equal(history.samples().at(-1)?.notDone, 1);
    await pass();
    const samples = history.samples().length;
    await pass();
    await pass();
    assert.equal(history.samples().length, samples);
    history.close();
  });
});
