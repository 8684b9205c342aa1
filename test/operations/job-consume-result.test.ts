import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { jobLayout } from '../../src/job/layout.js';
import { jobConsumeResult } from '../../src/operations/job-consume-result.js';
import { runReport } from '../support/house.js';
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

  it('keeps a job of which something was withheld, however long the names are or whatever of it is lost', async () => {
    const call = makeCall();
    const { id } = putSettledJob(call, Buffer.from('+secret\n'));
    const layout = jobLayout(call.house.settings.stateDir, id);
    const sha256 = createHash('sha256').update('+shown\n').digest('hex');
    writeFileSync(layout.shownPatch, '+shown\n');
    writeFileSync(layout.patchView, JSON.stringify({ bytes: 7, sha256 }));
    const file = { path: 'x'.repeat(4_000), status: 'modified', added: 1, removed: 0, redacted: 'masked' };
    writeFileSync(layout.files, JSON.stringify([file]));
    const answer = await consume(call, { job_id: id });
    assert.ok(answer.ok);
    assert.equal(answer.value.consumed, false);
    assert.deepEqual(answer.value.redacted, [{ path: '1 file more', reason: 'not named here' }]);
    rmSync(layout.files);
    const unknown = await consume(call, { job_id: id });
    assert.equal(unknown.ok ? null : unknown.fault.code, 'result_unreadable');
    assert.ok(call.house.supervisor.records.has(id));
    const exact = await consume(call, { job_id: id, raw: true });
    assert.equal(exact.ok && exact.value.consumed, true);
  });

  it('keeps a job whose message or answer is longer than is shown', async () => {
    const call = makeCall();
    const run = { ...runReport, summary: 'A "word".'.repeat(1_500) };
    const talker = putSettledJob(call, Buffer.from('+line\n'), { run });
    const asked = { kind: 'consult' as const };
    const finding = {
      severity: 'low',
      title: 't',
      detail: 'd'.repeat(4_000),
      file: null,
      line: null,
      place: null,
    };
    const answers = [
      { summary: '"'.repeat(32_000), findings: [] },
      { summary: 'Much.', findings: Array(20).fill(finding) },
    ];
    const consults = answers.map((answer, index) => {
      const record = makeRecord(`${index}`.repeat(32), 'done', {}, asked);
      const layout = jobLayout(call.house.settings.stateDir, record.id);
      mkdirSync(layout.directory, { recursive: true });
      const kept = { verdict: null, confidence: null, findingsTotal: answer.findings.length, ...answer };
      writeFileSync(layout.answer, JSON.stringify(kept));
      return call.house.supervisor.put(record);
    });
    for (const { id } of [talker, ...consults]) {
      const answer = await consume(call, { job_id: id });
      assert.ok(answer.ok);
      assert.equal(answer.value.consumed, false);
      assert.match(JSON.stringify(answer.value.warnings), /was longer and is cut/);
      assert.ok(call.house.supervisor.records.has(id));
    }
  });

  it('lets only one of two callers at once have it', async () => {
    const call = makeCall();
    const { id } = putSettledJob(call, Buffer.from('+line\n'));
    const answers = await Promise.all([consume(call, { job_id: id }), consume(call, { job_id: id })]);
    assert.equal(answers.filter(({ ok }) => ok).length, 1);
  });
});
