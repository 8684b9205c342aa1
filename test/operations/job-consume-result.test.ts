import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { jobLayout } from '../../src/job/layout.js';
import { jobConsumeResult } from '../../src/operations/job-consume-result.js';
import { makeCall, makeRecord, putSettledJob, type TestCall } from '../support/operations.js';

const consume = (call: TestCall, input: Record<string, unknown>) =>
  jobConsumeResult.handle(jobConsumeResult.input.parse(input), call);

describe('codex_job_consume_result', () => {
  it('deletes the job with the answer that holds the whole patch', async () => {
    const call = makeCall();
    const { id } = putSettledJob(call, Buffer.from('+line\n'));
    const first = await consume(call, { job_id: id });
    assert.ok(first.ok);
    assert.equal(first.value.consumed, true);
    assert.equal(first.value.patch, '+line\n');
    const second = await consume(call, { job_id: id });
    assert.equal(second.ok ? null : second.fault.code, 'job_not_found');
  });

  it('keeps a job of many pages until the last one is passed on', async () => {
    const call = makeCall();
    const { id } = putSettledJob(call, Buffer.from('+a line of the patch\n'.repeat(6_000)));
    let cursor: string | null | undefined;
    let pages = 0;
    while (cursor !== null) {
      assert.ok(call.house.supervisor.records.has(id));
      const page = await consume(call, { job_id: id, ...(cursor && { cursor }) });
      assert.ok(page.ok);
      cursor = page.value.next_cursor;
      assert.equal(page.value.consumed, cursor === null);
      pages += 1;
    }
    assert.ok(pages > 2);
    assert.ok(!call.house.supervisor.records.has(id));
  });

  it('never deletes what it cannot deliver', async () => {
    const call = makeCall();
    const { id } = putSettledJob(call, Buffer.from('+line\n'));
    writeFileSync(jobLayout(call.house.settings.stateDir, id).patch, '+lime\n');
    const damaged = await consume(call, { job_id: id });
    assert.equal(damaged.ok ? null : damaged.fault.code, 'result_unreadable');
    assert.ok(call.house.supervisor.records.has(id));
    call.house.supervisor.put(makeRecord('r', 'diffing'));
    const running = await consume(call, { job_id: 'r' });
    assert.equal(running.ok ? null : running.fault.code, 'job_running');
  });

  it('lets only one of two callers at once have it', async () => {
    const call = makeCall();
    const { id } = putSettledJob(call, Buffer.from('+line\n'));
    const answers = await Promise.all([consume(call, { job_id: id }), consume(call, { job_id: id })]);
    assert.equal(answers.filter(({ ok }) => ok).length, 1);
  });
});
