import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { jobStates, settledStates } from '../../src/job/record.js';
import { ANNOUNCING_DAEMONS, type NewJob, type Store } from '../../src/store/store.js';
import { entryOf, jobId, moved, NOW, newJob } from '../support/store-jobs.js';

/** What every store must do: each sentence of `src/store/store.ts`. `open` gives an empty store each time. */
export function conformance(name: string, open: () => Promise<Store>): void {
  describe(`${name} as a store`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    const settle = (job: NewJob, expiresAt = NOW) =>
      store.save(moved(job.record, 'done', expiresAt), entryOf('done'));
    const sequences = async (filter: Parameters<Store['list']>[0]) =>
      (await store.list(filter)).map(({ sequence }) => sequence);

    describe('accepting jobs', () => {
      test('keeps record, task and first journal entry as they were given', async () => {
        const job = newJob(1, { label: 'a label', key: 'a key' });
        assert.deepEqual(await store.create([job]), { ok: true });
        assert.deepEqual(await store.get(job.record.id), job.record);
        assert.equal(await store.task(job.record.id), job.task);
        assert.deepEqual(await store.journal(job.record.id), [job.entry]);
      });

      test('keeps any text whole, with NUL, lone surrogates and other planes', async () => {
        const text = 'a\0b\ud800c\r\n😀\u2028é';
        const job = newJob(1, { task: text, label: text, repository: text, key: text });
        await store.create([job]);
        assert.equal(await store.task(job.record.id), text);
        assert.deepEqual(await store.list({ label: text, repository: text, limit: 10 }), [job.record]);
        assert.deepEqual(await store.list({ label: 'a\0x', limit: 10 }), []);
        assert.deepEqual(await store.create([newJob(2, { key: 'a\0x' })]), { ok: true });
        assert.deepEqual(await store.create([newJob(3, { key: 'a\0b\ud801c\r\n😀\u2028é' })]), { ok: true });
      });

      test('is not touched by what becomes of the objects that went in and came out', async () => {
        const job = newJob(1);
        const given = structuredClone(job);
        const creating = store.create([given]);
        given.record.submission.label = 'changed';
        given.record.state = 'done';
        await creating;
        const record = await store.get(job.record.id);
        assert.deepEqual(record, job.record);
        if (record !== null) record.context.lostThreads = 7;
        assert.deepEqual(await store.get(job.record.id), job.record);
      });

      test('of nothing at all succeeds', async () => {
        assert.deepEqual(await store.create([]), { ok: true });
        assert.equal(await store.lastSequence(), 0);
      });

      test('takes a call that is made again with the same arguments as made once', async () => {
        const jobs = [newJob(1, { key: 'key' }), newJob(2)];
        await store.create(jobs);
        assert.deepEqual(await store.create(jobs), { ok: true });
        assert.equal((await store.unsettled()).length, 2);
        assert.equal((await store.journal(jobId(1))).length, 1);
      });

      test('rejects, and keeps nothing of, jobs that share a sequence, an id or a key', async () => {
        await store.create([newJob(1)]);
        const sameSequence = newJob(2);
        sameSequence.record.sequence = 1;
        const sameId = newJob(3);
        sameId.record.id = jobId(1);
        await assert.rejects(store.create([newJob(4), sameSequence]));
        await assert.rejects(store.create([newJob(4), sameId]));
        await assert.rejects(store.create([newJob(4, { key: 'key' }), newJob(5, { key: 'key' })]));
        assert.deepEqual(await sequences({ limit: 10 }), [1]);
        assert.equal(await store.lastSequence(), 1);
        assert.deepEqual(await store.create([newJob(6, { key: 'key' })]), { ok: true });
      });
    });

    describe('an idempotency key', () => {
      test('that is known names its job, and tells same arguments from others', async () => {
        await store.create([newJob(1, { key: 'key', argumentsHash: 'one' })]);
        const known = { jobId: jobId(1), gone: false };
        assert.deepEqual(await store.create([newJob(2, { key: 'key', argumentsHash: 'one' })]), {
          ok: false,
          known: [{ ...known, sameArguments: true }],
        });
        assert.deepEqual(await store.create([newJob(2, { key: 'key', argumentsHash: 'other' })]), {
          ok: false,
          known: [{ ...known, sameArguments: false }],
        });
        assert.equal(await store.get(jobId(2)), null);
        assert.equal(await store.startedBy('key'), jobId(1));
        assert.equal(await store.startedBy('another'), null);
      });

      test('that is known keeps every job of the call from being created', async () => {
        await store.create([newJob(1, { key: 'key' })]);
        const answer = await store.create([newJob(2), newJob(3, { key: 'key' }), newJob(4, { key: 'new' })]);
        const known = { jobId: jobId(1), sameArguments: true, gone: false };
        assert.deepEqual(answer, { ok: false, known: [null, known, null] });
        assert.deepEqual(await sequences({ limit: 10 }), [1]);
        assert.deepEqual(await store.create([newJob(4, { key: 'new' })]), { ok: true });
      });

      test('used by two calls at once starts one job', async () => {
        const calls = [1, 2, 3].map((sequence) => store.create([newJob(sequence, { key: 'key' })]));
        const known = { jobId: jobId(1), sameArguments: true, gone: false };
        assert.deepEqual(await Promise.all(calls), [
          { ok: true },
          { ok: false, known: [known] },
          { ok: false, known: [known] },
        ]);
        assert.deepEqual(await sequences({ limit: 10 }), [1]);
      });

      test('outlives its job until the instant given, and is then forgotten', async () => {
        const job = newJob(1, { key: 'key' });
        await store.create([job]);
        await settle(job);
        await store.remove(job.record.id, NOW + 10);
        const gone = { ok: false, known: [{ jobId: jobId(1), sameArguments: true, gone: true }] };
        assert.deepEqual(await store.create([newJob(2, { key: 'key' })]), gone);
        await store.forgetKeys(NOW + 9);
        assert.deepEqual(await store.create([newJob(2, { key: 'key' })]), gone);
        assert.equal(await store.startedBy('key'), jobId(1));
        assert.deepEqual(await store.create([job]), gone);
        await store.forgetKeys(NOW + 10);
        assert.equal(await store.startedBy('key'), null);
        assert.deepEqual(await store.create([newJob(2, { key: 'key' })]), { ok: true });
      });

      test('of a job that is still there is never forgotten', async () => {
        const job = newJob(1, { key: 'key' });
        await store.create([job]);
        await settle(job);
        await store.forgetKeys(Number.MAX_SAFE_INTEGER);
        assert.equal((await store.create([newJob(2, { key: 'key' })])).ok, false);
      });
    });

    describe('a transition', () => {
      test('replaces the record and adds to the journal', async () => {
        const { record, entry } = newJob(1);
        await store.create([newJob(1)]);
        assert.equal(await store.save(moved(record, 'worktree'), entryOf('worktree')), true);
        assert.equal(await store.save(moved(record, 'running'), entryOf('running', 'why')), true);
        assert.deepEqual(await store.get(record.id), moved(record, 'running'));
        assert.deepEqual(await store.journal(record.id), [
          entry,
          entryOf('worktree'),
          entryOf('running', 'why'),
        ]);
      });

      for (const state of settledStates) {
        test(`is refused once the job is ${state}, and changes nothing`, async () => {
          const { record } = newJob(1);
          await store.create([newJob(1)]);
          assert.equal(await store.save(moved(record, state), entryOf(state)), true);
          for (const other of jobStates) {
            assert.equal(await store.save(moved(record, other, 99), entryOf(other)), false);
          }
          assert.deepEqual(await store.get(record.id), moved(record, state));
          assert.equal((await store.journal(record.id)).length, 2);
        });
      }

      test('settles a job once when two arrive together: the first wins', async () => {
        const { record } = newJob(1);
        const answers = await Promise.all([
          store.create([newJob(1)]),
          store.save(moved(record, 'cancelled'), entryOf('cancelled')),
          store.save(moved(record, 'done'), entryOf('done')),
          store.get(record.id),
        ]);
        assert.deepEqual(answers, [{ ok: true }, true, false, moved(record, 'cancelled')]);
      });

      test('of a job that does not exist, or was removed, is refused', async () => {
        const job = newJob(1);
        assert.equal(await store.save(job.record, job.entry), false);
        await store.create([job]);
        await settle(job);
        await store.remove(job.record.id, NOW);
        assert.equal(await store.save(job.record, job.entry), false);
        assert.deepEqual(await store.journal(job.record.id), []);
      });
    });

    describe('reading', () => {
      test('of a job that does not exist finds nothing', async () => {
        assert.equal(await store.get(jobId(1)), null);
        assert.equal(await store.task(jobId(1)), null);
        assert.deepEqual(await store.journal(jobId(1)), []);
      });

      test('an empty store finds nothing', async () => {
        assert.deepEqual(await store.list({ limit: 10 }), []);
        assert.deepEqual(await store.unsettled(), []);
        assert.deepEqual(await store.expired(NOW, 10), []);
        assert.equal(await store.lastSequence(), 0);
        assert.deepEqual(
          await store.countByState(),
          Object.fromEntries(jobStates.map((state) => [state, 0])),
        );
      });

      test('sees every write that was made before it, acknowledged or not', async () => {
        const job = newJob(1);
        const answers = await Promise.all([
          store.get(job.record.id),
          store.create([job]),
          store.get(job.record.id),
          store.save(moved(job.record, 'done'), entryOf('done')),
          store.unsettled(),
          store.remove(job.record.id, NOW),
          store.get(job.record.id),
          store.lastSequence(),
        ]);
        assert.deepEqual(answers, [null, { ok: true }, job.record, true, [], true, null, 1]);
      });

      test('lists the newest first, by sequence and not by the order of the calls', async () => {
        await store.create([newJob(3), newJob(1)]);
        await store.create([newJob(2)]);
        assert.deepEqual(await sequences({ limit: 10 }), [3, 2, 1]);
      });

      test('pages through a list without gap or repetition while jobs are added', async () => {
        await store.create([1, 2, 3, 4, 5].map((sequence) => newJob(sequence)));
        assert.deepEqual(await sequences({ limit: 2 }), [5, 4]);
        await store.create([newJob(6)]);
        assert.deepEqual(await sequences({ limit: 2, before: 4 }), [3, 2]);
        assert.deepEqual(await sequences({ limit: 2, before: 2 }), [1]);
        assert.deepEqual(await sequences({ limit: 2, before: 1 }), []);
        assert.deepEqual(await sequences({ limit: 0 }), []);
      });

      test('filters a list by group', async () => {
        await store.create([newJob(1, { groupId: 'g' }), newJob(2), newJob(3, { groupId: 'g' })]);
        assert.deepEqual(await sequences({ groupId: 'g', limit: 9 }), [3, 1]);
        assert.deepEqual(await sequences({ groupId: 'h', limit: 9 }), []);
      });

      test('filters a list by kind, alone and with others', async () => {
        const consult = { kind: 'consult' } as const;
        await store.create([newJob(1, consult), newJob(2), newJob(3, { ...consult, groupId: 'g' })]);
        await settle(newJob(1, consult));
        assert.deepEqual(await sequences({ kind: 'consult', limit: 9 }), [3, 1]);
        assert.deepEqual(await sequences({ kind: 'consult', state: 'done', limit: 9 }), [1]);
        assert.deepEqual(await sequences({ kind: 'consult', groupId: 'g', limit: 9 }), [3]);
        assert.deepEqual(await sequences({ kind: 'delegate', limit: 9, before: 2 }), []);
        assert.deepEqual(await sequences({ kind: 'review', limit: 9 }), []);
      });

      test('filters a list by repository, state and label, one or all', async () => {
        await store.create([
          newJob(1, { repository: 'a', label: 'x' }),
          newJob(2, { repository: 'a', label: 'y' }),
          newJob(3, { repository: 'b', label: 'x' }),
          newJob(4, { repository: 'a', label: 'x' }),
          newJob(5, { repository: 'a' }),
        ]);
        await settle(newJob(1, { repository: 'a', label: 'x' }));
        assert.deepEqual(await sequences({ repository: 'a', limit: 10 }), [5, 4, 2, 1]);
        assert.deepEqual(await sequences({ label: 'x', limit: 10 }), [4, 3, 1]);
        assert.deepEqual(await sequences({ state: 'done', limit: 10 }), [1]);
        assert.deepEqual(await sequences({ repository: 'a', label: 'x', limit: 10 }), [4, 1]);
        const all = { repository: 'a', label: 'x', state: 'queued' } as const;
        assert.deepEqual(await sequences({ ...all, limit: 10 }), [4]);
        assert.deepEqual(await sequences({ ...all, limit: 10, before: 4 }), []);
        assert.deepEqual(await sequences({ repository: 'c', limit: 10 }), []);
      });

      test('finds every job that has not settled, oldest first, in every such state', async () => {
        const jobs = jobStates.map((_, index) => newJob(jobStates.length - index));
        await store.create(jobs);
        for (const [index, state] of jobStates.entries()) {
          const { record } = newJob(index + 1);
          await store.save(moved(record, state), entryOf(state));
        }
        const found = (await store.unsettled()).map(({ state, sequence }) => [sequence, state]);
        assert.deepEqual(found, [
          [1, 'queued'],
          [2, 'worktree'],
          [3, 'running'],
          [4, 'retrying'],
          [5, 'diffing'],
        ]);
      });

      test('finds more unsettled jobs than fit into one message', async () => {
        const all = Array.from({ length: 1_003 }, (_, index) => newJob(index + 1));
        await store.create(all);
        const [found] = await Promise.all([store.unsettled(), settle(newJob(1_000)), settle(newJob(1))]);
        assert.deepEqual(
          found,
          all.map(({ record }) => record),
        );
        assert.equal((await store.unsettled()).length, 1_001);
      });

      test('finds settled jobs that have expired, up to the limit, the longest expired first', async () => {
        const jobs = [1, 2, 3, 4].map((sequence) => newJob(sequence));
        await store.create(jobs);
        for (const [index, job] of jobs.slice(0, 3).entries()) await settle(job, NOW + 10 - index);
        assert.deepEqual(await store.expired(NOW + 7, 10), []);
        assert.deepEqual(await store.expired(NOW + 9, 10), [jobId(3), jobId(2)]);
        assert.deepEqual(await store.expired(NOW + 99, 2), [jobId(3), jobId(2)]);
        assert.deepEqual(await store.expired(NOW + 99, 10), [jobId(3), jobId(2), jobId(1)]);
      });

      test('counts the jobs in each state', async () => {
        await store.create([newJob(1), newJob(2), newJob(3)]);
        await settle(newJob(1));
        await store.save(moved(newJob(2).record, 'running'), entryOf('running'));
        const counts = await store.countByState();
        assert.deepEqual(counts, {
          queued: 1,
          worktree: 0,
          running: 1,
          retrying: 0,
          diffing: 0,
          done: 1,
          failed: 0,
          cancelled: 0,
          expired: 0,
        });
      });
    });

    describe('announcing', () => {
      const unannounced = async () => (await store.takeUnannounced()).map(({ sequence }) => sequence);

      test('finds the settled jobs that are to be announced, oldest first, until they were', async () => {
        const jobs = [1, 2, 3, 4].map((sequence) => newJob(sequence));
        await store.create(jobs);
        for (const { record } of jobs.slice(1).reverse()) {
          const settled = { ...moved(record, 'failed'), announce: record.sequence !== 3 };
          await store.save(settled, entryOf('failed'));
        }
        assert.deepEqual(await unannounced(), [2, 4]);
        await store.announced(jobId(2));
        assert.deepEqual(await store.takeUnannounced(), [moved(newJob(4).record, 'failed')]);
        await store.announced(jobId(4));
        await store.announced(jobId(7));
        assert.deepEqual(await unannounced(), []);
      });

      test('gives a job up that as many daemons took as may', async () => {
        await store.create([newJob(1)]);
        await settle(newJob(1));
        for (let daemon = 1; daemon <= ANNOUNCING_DAEMONS; daemon += 1)
          assert.deepEqual(await unannounced(), [1]);
        assert.deepEqual(await unannounced(), []);
      });

      test('forgets a job that was removed', async () => {
        await store.create([newJob(1)]);
        await settle(newJob(1));
        await store.remove(jobId(1), NOW);
        assert.deepEqual(await unannounced(), []);
      });
    });

    describe('removing', () => {
      test('takes a settled job with its task and journal', async () => {
        const job = newJob(1);
        await store.create([job, newJob(2)]);
        await settle(job);
        assert.equal(await store.remove(job.record.id, NOW), true);
        assert.equal(await store.get(job.record.id), null);
        assert.equal(await store.task(job.record.id), null);
        assert.deepEqual(await store.journal(job.record.id), []);
        assert.deepEqual(await store.expired(NOW, 10), []);
        assert.deepEqual(await sequences({ limit: 10 }), [2]);
        assert.equal(await store.remove(job.record.id, NOW), false);
      });

      test('is refused for a job that has not settled or does not exist', async () => {
        await store.create([newJob(1)]);
        assert.equal(await store.remove(jobId(1), NOW), false);
        assert.equal(await store.remove(jobId(2), NOW), false);
        assert.deepEqual(await store.get(jobId(1)), newJob(1).record);
        assert.equal(await store.task(jobId(1)), 'task 1');
      });

      test('does not lower the last sequence', async () => {
        await store.create([newJob(1), newJob(7)]);
        assert.equal(await store.lastSequence(), 7);
        await settle(newJob(7));
        await store.remove(jobId(7), NOW);
        assert.equal(await store.lastSequence(), 7);
        await store.create([newJob(3)]);
        assert.equal(await store.lastSequence(), 7);
      });
    });

    describe('closing', () => {
      test('answers what was asked before, and may be repeated', async () => {
        const creating = store.create([newJob(1)]);
        const reading = store.unsettled();
        await Promise.all([store.close(), store.close()]);
        await store.close();
        assert.deepEqual(await creating, { ok: true });
        assert.deepEqual(await reading, [newJob(1).record]);
      });

      test('makes every later call reject', async () => {
        const closing = store.close();
        const { record, entry } = newJob(1);
        const calls: (() => Promise<unknown>)[] = [
          () => store.create([newJob(1)]),
          () => store.save(record, entry),
          () => store.get(record.id),
          () => store.task(record.id),
          () => store.journal(record.id),
          () => store.list({ limit: 1 }),
          () => store.unsettled(),
          () => store.expired(NOW, 1),
          () => store.takeUnannounced(),
          () => store.announced(record.id),
          () => store.remove(record.id, NOW),
          () => store.forgetKeys(NOW),
          () => store.countByState(),
          () => store.lastSequence(),
        ];
        for (const call of calls) await assert.rejects(call, /closed/);
        await closing;
        for (const call of calls) await assert.rejects(call, /closed/);
      });
    });
  });
}
