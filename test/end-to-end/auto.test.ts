import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { openStore } from '../../bench/support/filled-store.js';
import { run, say } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { attemptLayout, stateLayout } from '../../src/job/layout.js';
import { hostOf, processOf } from '../support/hosts.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

describe('the backend auto, with a shared app-server from the second job at once', { concurrency: 2 }, () => {
  let model: ScriptedModel;
  /** Has the model end the turns of a task. */
  const letEnd = new Map<string, () => void>();

  before(async () => {
    const ends = new Map<string, Promise<void>>();
    model = await startScriptedModel(async ({ task, step }) => {
      if (task.startsWith('The connection to the model broke off')) return say('Went on.');
      if (step === 0) return run(`echo done > '${task}.txt'`);
      const end = ends.get(task) ?? new Promise<void>((resolve) => letEnd.set(task, resolve));
      ends.set(task, end);
      await end;
      return say(`Did ${task}.`);
    });
  });
  after(() => model.close());

  async function withOffshoot(work: (offshoot: Offshoot) => Promise<void>, running = 3): Promise<void> {
    const offshoot = await makeOffshoot({
      model,
      environment: {
        OFFSHOOT_BACKEND: 'auto',
        OFFSHOOT_APP_SERVER_FROM: '2',
        OFFSHOOT_MAX_RUNNING: String(running),
        OFFSHOOT_RETRY_SECONDS: '1',
      },
    });
    try {
      await offshoot.start();
      await work(offshoot);
    } finally {
      await offshoot.remove();
    }
  }

  /** Starts a job; answers when its turn waits to be let end. */
  async function underWay(offshoot: Offshoot, task: string, input: object = {}): Promise<string> {
    const id = await offshoot.delegate(task, input);
    await model.requested(2, task);
    return id;
  }

  async function ended(offshoot: Offshoot, id: string, task: string) {
    letEnd.get(task)?.();
    const result = await offshoot.result(id);
    assert.equal(result.status, 'done', JSON.stringify(result.error));
    return result;
  }

  /** What the records of jobs say, as a daemon left them that was killed. */
  async function recorded(offshoot: Offshoot, ids: readonly string[]): Promise<(string | undefined)[]> {
    const store = await openStore(stateLayout(offshoot.stateDir).store);
    const records = await Promise.all(ids.map((id) => store.get(id)));
    await store.close();
    return records.map((record) => record?.submission.backend);
  }

  it('gives a job alone its own process and those beside it a shared one, and writes down which', async () => {
    await withOffshoot(async (offshoot) => {
      assert.equal((await offshoot.call('codex_status')).backend, 'auto');
      const ids: string[] = [];
      for (const task of ['alone', 'second', 'third']) ids.push(await underWay(offshoot, task));
      const [alone = '', second = '', third = ''] = ids;
      const waiting = await offshoot.delegate('waits');
      assert.equal(await hostOf(offshoot.stateDir, alone), null);
      const host = await hostOf(offshoot.stateDir, second);
      assert.ok(host !== null);
      assert.equal(await hostOf(offshoot.stateDir, third), host);
      await offshoot.kill();
      assert.deepEqual(await recorded(offshoot, [...ids, waiting]), [
        'codex-exec',
        'codex-app-server',
        'codex-app-server',
        'auto',
      ]);
    });
  });

  it('has a follow-up run as its own moment asks, in the same thread, and the one after it too', async () => {
    await withOffshoot(async (offshoot) => {
      const first = await underWay(offshoot, 'own');
      const { thread_id: thread } = await ended(offshoot, first, 'own');
      const beside = await underWay(offshoot, 'beside');
      const second = await underWay(offshoot, 'shared', { continues: first });
      assert.ok((await hostOf(offshoot.stateDir, second)) !== null);
      assert.equal((await ended(offshoot, second, 'shared')).thread_id, thread);
      await ended(offshoot, beside, 'beside');
      const last = await underWay(offshoot, 'again', { continues: second });
      assert.equal(await hostOf(offshoot.stateDir, last), null);
      const result = await ended(offshoot, last, 'again');
      assert.equal(result.thread_id, thread);
      const files = result.files.map(({ path }: { path: string }) => path);
      assert.deepEqual(files, ['again.txt', 'own.txt', 'shared.txt']);
    });
  });

  it('finds jobs of both kinds again after a kill -9 of the daemon, and counts them for the next', async () => {
    await withOffshoot(async (offshoot) => {
      const own = await underWay(offshoot, 'kept');
      const shared = await underWay(offshoot, 'kept too');
      const queued = await offshoot.delegate('queued');
      await offshoot.kill();
      await offshoot.start();
      await ended(offshoot, own, 'kept');
      await model.requested(2, 'queued');
      assert.equal(await hostOf(offshoot.stateDir, queued), await hostOf(offshoot.stateDir, shared));
      for (const [id, task] of [
        [shared, 'kept too'],
        [queued, 'queued'],
      ] as const) {
        await ended(offshoot, id, task);
      }
      for (const id of [own, shared, queued])
        await assert.rejects(access(attemptLayout(offshoot.stateDir, id, 2).directory), { code: 'ENOENT' });
    }, 2);
  });

  it('loses nothing but attempts to a kill -9 of the shared process, and none of jobs that have their own', async () => {
    await withOffshoot(async (offshoot) => {
      const own = await underWay(offshoot, 'untouched');
      const shared = [await underWay(offshoot, 'lost'), await underWay(offshoot, 'lost too')];
      const host = (await hostOf(offshoot.stateDir, shared[0] ?? '')) ?? '';
      process.kill(await processOf(host, 'host'), 'SIGKILL');
      for (const id of shared) {
        const result = await offshoot.result(id);
        assert.equal(result.status, 'done', JSON.stringify(result.error));
        assert.equal(result.summary, 'Went on.');
        const codes = result.failed_attempts.map(({ code }: { code: string }) => code);
        assert.deepEqual(codes, ['host_lost'], JSON.stringify(result.failed_attempts));
        const next = await hostOf(offshoot.stateDir, id, 2);
        assert.notEqual(next, null);
        assert.notEqual(next, host);
      }
      assert.equal((await ended(offshoot, own, 'untouched')).summary, 'Did untouched.');
      await assert.rejects(access(attemptLayout(offshoot.stateDir, own, 2).directory), { code: 'ENOENT' });
    });
  });
});
