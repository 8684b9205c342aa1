import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { hang, type Reply, run, say } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { attemptLayout } from '../../src/job/layout.js';
import { temporaryDirectory } from '../support/directory.js';
import { appears } from '../support/git-gate.js';
import { hostOf, processOf } from '../support/hosts.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';
import { makeThreadCrash } from './thread-crash.js';

/** A conversation that is gone on with after a break. */
const wentOn: Reply[] = [run('echo second > second.txt'), say('Went on.')];

describe('jobs in threads of an app-server', { concurrency: 3 }, () => {
  let model: ScriptedModel;
  /** The tasks whose model answers no more until they are gone on with; the others may go on when they are let. */
  const waiting = new Map<string, () => void>();
  /** What each conversation began with. */
  const begun = new Map<string, string>();
  let letSecondBeKilled: () => void = () => undefined;
  const secondMayBeKilled = new Promise<void>((resolve) => {
    letSecondBeKilled = resolve;
  });

  before(async () => {
    model = await startScriptedModel(async ({ task, step, thread, retry }) => {
      if (task.startsWith('The connection to the model broke off')) {
        if (begun.get(thread) !== 'hang, twice' || step > 0 || retry > 0)
          return wentOn[step] ?? hang('request');
        letSecondBeKilled();
        return hang('request');
      }
      begun.set(thread, task);
      if (step === 0) return run('echo first > first.txt');
      if (task.startsWith('hang')) return hang('request');
      await new Promise<void>((resolve) => waiting.set(task, resolve));
      return say('Waited.');
    });
  });
  after(() => model.close());

  const house = (environment: Record<string, string> = {}) =>
    makeOffshoot({
      model,
      environment: { OFFSHOOT_BACKEND: 'codex-app-server', OFFSHOOT_RETRY_SECONDS: '1', ...environment },
    });

  /** Starts jobs; answers when the model was asked for their second step, with their host. */
  async function underWay(offshoot: Offshoot, ...tasks: string[]): Promise<{ ids: string[]; host: string }> {
    const ids = await Promise.all(tasks.map((task) => offshoot.delegate(task)));
    await Promise.all(tasks.map((task) => model.requested(2, task)));
    const host = await hostOf(offshoot.stateDir, ids[0] ?? '');
    assert.ok(host !== null);
    return { ids, host };
  }

  for (const [which, title] of [
    ['host', 'go on in their threads, on another host, after a kill -9 of theirs'],
    ['keeper', 'go on so after a kill -9 of what holds their host'],
    ['server', 'go on so after a kill -9 of their app-server'],
  ] as const) {
    it(title, async () => {
      const offshoot = await house();
      try {
        await offshoot.start();
        const { ids, host } = await underWay(offshoot, `hang, ${which} 1`, `hang, ${which} 2`);
        process.kill(await processOf(host, which), 'SIGKILL');
        for (const id of ids) {
          const result = await offshoot.result(id);
          assert.equal(result.status, 'done', JSON.stringify(result.error));
          assert.equal(result.summary, 'Went on.');
          const files = result.files.map(({ path }: { path: string }) => path);
          assert.deepEqual(files, ['first.txt', 'second.txt']);
          assert.deepEqual(
            result.failed_attempts.map(({ code }: { code: string }) => code),
            ['host_lost'],
          );
          assert.notEqual(await hostOf(offshoot.stateDir, id, 2), host);
        }
        assert.equal(model.requests(`hang, ${which} 1`).length, 2);
      } finally {
        await offshoot.remove();
      }
    });
  }

  it('that lose two hosts go on by themselves, where they take no other along', async () => {
    const offshoot = await house();
    try {
      await offshoot.start();
      const { ids, host } = await underWay(offshoot, 'hang, twice');
      const [id = ''] = ids;
      process.kill(await processOf(host, 'server'), 'SIGKILL');
      await secondMayBeKilled;
      const second = (await hostOf(offshoot.stateDir, id, 2)) ?? '';
      process.kill(await processOf(second, 'keeper'), 'SIGKILL');
      const result = await offshoot.result(id);
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      assert.match(result.patch.toString(), /first/);
      assert.equal(await hostOf(offshoot.stateDir, id, 3), null);
    } finally {
      await offshoot.remove();
    }
  });

  it('are found again by the next daemon, and lose nothing', async () => {
    const offshoot = await house();
    try {
      await offshoot.start();
      const { ids } = await underWay(offshoot, 'wait for a daemon', 'wait and end without one');
      await offshoot.kill();
      waiting.get('wait and end without one')?.();
      await appears(attemptLayout(offshoot.stateDir, ids[1] ?? '', 1).directory, 'exit');
      await offshoot.start();
      waiting.get('wait for a daemon')?.();
      for (const id of ids) {
        const result = await offshoot.result(id);
        assert.equal(result.status, 'done', JSON.stringify(result.error));
        assert.equal(result.summary, 'Waited.');
        await assert.rejects(access(attemptLayout(offshoot.stateDir, id, 2).directory));
      }
    } finally {
      await offshoot.remove();
    }
  });

  it('outlive the threads that started them', async () => {
    const temporary = await temporaryDirectory();
    const threads = await makeThreadCrash(temporary.path);
    const offshoot = await house(threads.environment);
    try {
      await offshoot.start();
      const { ids } = await underWay(offshoot, 'wait for a thread');
      const before = await threads.followed();
      await threads.crash('pool');
      while ((await threads.followed()) === before) await delay(10);
      waiting.get('wait for a thread')?.();
      const result = await offshoot.result(ids[0] ?? '');
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      assert.equal(result.summary, 'Waited.');
    } finally {
      await offshoot.remove();
      await temporary.remove();
    }
  });

  it('end at their deadline without a daemon, and their neighbour goes on', async () => {
    const offshoot = await house();
    try {
      await offshoot.start();
      const beside = await offshoot.delegate('wait beside');
      await model.requested(2, 'wait beside');
      const id = await offshoot.delegate('hang, until the deadline', { deadline_seconds: 10 });
      await offshoot.reach(id, 'running');
      await model.requested(1, 'hang, until the deadline');
      await offshoot.kill();
      await appears(attemptLayout(offshoot.stateDir, id, 1).directory, 'exit');
      await offshoot.start();
      assert.equal((await offshoot.result(id)).status, 'expired');
      waiting.get('wait beside')?.();
      assert.equal((await offshoot.result(beside)).status, 'done');
    } finally {
      await offshoot.remove();
    }
  });
});
