import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fail, refuseHttp, run, say } from '../../src/demo/reply.js';
import { startScriptedModel } from '../../src/demo/scripted-model.js';
import { makeOffshoot } from '../support/offshoot.js';

const slowDown = refuseHttp(429, 'slow down');

describe('a failure that passes', { concurrency: 2 }, () => {
  it('is followed by another attempt, in the same worktree and the same thread', async () => {
    const model = await startScriptedModel(({ task, step, outputs }) => {
      if (task === 'half, then half') return step === 0 ? run('echo one > one.txt') : slowDown;
      return outputs.length === 0
        ? run('cat one.txt && echo two > two.txt')
        : say(`Saw ${outputs[0]?.includes('one')}.`);
    });
    const offshoot = await makeOffshoot({ model, environment: { OFFSHOOT_RETRY_SECONDS: '1' } });
    try {
      await offshoot.start();
      const id = await offshoot.delegate('half, then half');
      await offshoot.reach(id, 'retrying');
      const waiting = await offshoot.call('codex_job_status', { job_id: id });
      assert.ok(Date.parse(waiting.retry_at) > 0);
      const result = await offshoot.result(id);
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      assert.equal(result.summary, 'Saw true.');
      assert.deepEqual(
        result.files.map(({ path }: { path: string }) => path),
        ['one.txt', 'two.txt'],
      );
      assert.deepEqual(
        result.failed_attempts.map(({ attempt, code }: { attempt: number; code: string }) => [attempt, code]),
        [[1, 'codex_rate_limited']],
      );
      assert.equal(new Set(model.requests().map(({ thread }) => thread)).size, 1);
      // The thread tells its total: two completed answers of the second attempt, and one of the first.
      assert.ok(result.usage.input_tokens > 0);
    } finally {
      await offshoot.remove();
      await model.close();
    }
  });

  it('ends the job after the last attempt, with all attempts shown', async () => {
    const model = await startScriptedModel(() => slowDown);
    const offshoot = await makeOffshoot({
      model,
      environment: { OFFSHOOT_RETRY_SECONDS: '1', OFFSHOOT_MAX_ATTEMPTS: '2' },
    });
    try {
      await offshoot.start();
      const result = await offshoot.result(await offshoot.delegate('never'));
      assert.equal(result.status, 'failed');
      assert.equal(result.error.code, 'codex_rate_limited');
      assert.equal(result.failed_attempts.length, 1);
      assert.equal(model.requests().length, 2);
    } finally {
      await offshoot.remove();
      await model.close();
    }
  });

  it('waits as long as the model says, in the same thread, and tells what for', async () => {
    const model = await startScriptedModel(({ task, outputs }) =>
      task === 'be limited'
        ? fail('rate_limit_exceeded', 'Rate limit reached. Please try again in 6s.')
        : outputs.length === 0
          ? run('echo two > two.txt')
          : say('Went on.'),
    );
    // Its own backoff would outlive the test.
    const offshoot = await makeOffshoot({ model, environment: { OFFSHOOT_RETRY_SECONDS: '1' } });
    try {
      await offshoot.start();
      const id = await offshoot.delegate('be limited');
      await offshoot.reach(id, 'retrying');
      const waiting = await offshoot.call('codex_job_status', { job_id: id });
      assert.match(waiting.activity, /^Waits to go on, after codex_rate_limited: .*try again in 6s/);
      const result = await offshoot.result(id);
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      const [limited] = result.failed_attempts;
      // The backoff would have been 1.25 s at most.
      assert.ok(limited.waited_ms > 1_250 && limited.waited_ms <= 7_000, `${limited.waited_ms} ms`);
      assert.equal(new Set(model.requests().map(({ thread }) => thread)).size, 1);
    } finally {
      await offshoot.remove();
      await model.close();
    }
  });

  it('waits for the reset of a used-up account, and fails at once when that is after its deadline', async () => {
    const resetsAt = Math.floor(Date.now() / 1_000) + 600;
    const usedUp = {
      type: 'usage_limit_reached',
      message: 'Used up.',
      plan_type: 'plus',
      resets_at: resetsAt,
    };
    const model = await startScriptedModel(() => refuseHttp(429, { error: usedUp }));
    const offshoot = await makeOffshoot({ model, environment: { OFFSHOOT_RETRY_SECONDS: '1' } });
    try {
      await offshoot.start();
      const [early, late] = await Promise.all([
        offshoot.delegate('patient', { deadline_seconds: 1_800 }),
        offshoot.delegate('hurried', { deadline_seconds: 300 }),
      ]);
      const result = await offshoot.result(late);
      assert.equal(result.status, 'failed');
      assert.equal(result.error.code, 'codex_usage_limit');
      const told = /asked again at (\S+)\.$/.exec(result.error.message)?.[1] ?? '';
      // Codex tells the minute; a job waits for its end.
      const minute = Math.floor(resetsAt / 60) * 60_000;
      assert.equal(Date.parse(told), minute + 60_000);
      await offshoot.reach(early, 'retrying');
      const waiting = await offshoot.call('codex_job_status', { job_id: early });
      assert.ok(Math.abs(Date.parse(waiting.retry_at) - Date.parse(told)) < 60_000, waiting.retry_at);
      await offshoot.call('codex_job_cancel', { job_id: early });
      await offshoot.result(early);
    } finally {
      await offshoot.remove();
      await model.close();
    }
  });

  it('waits on through a kill -9 of the daemon, and can be cancelled while it waits', async () => {
    const model = await startScriptedModel(({ task, step }) => {
      if (task === 'wait') return step === 0 ? run('echo one > one.txt') : slowDown;
      return say('Went on.');
    });
    const offshoot = await makeOffshoot({ model, environment: { OFFSHOOT_RETRY_SECONDS: '2' } });
    try {
      await offshoot.start();
      const id = await offshoot.delegate('wait');
      await offshoot.reach(id, 'retrying');
      await offshoot.kill();
      await offshoot.start();
      const result = await offshoot.result(id);
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      assert.equal(result.summary, 'Went on.');

      const other = await offshoot.delegate('wait');
      await offshoot.reach(other, 'retrying');
      await offshoot.call('codex_job_cancel', { job_id: other });
      const cancelled = await offshoot.result(other);
      assert.equal(cancelled.status, 'cancelled');
      assert.match(cancelled.patch.toString(), /one\.txt/);
      assert.deepEqual(await offshoot.slots(), []);
    } finally {
      await offshoot.remove();
      await model.close();
    }
  });
});
