import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { jobLayout } from '../../src/job/layout.js';
import type { JobRecord } from '../../src/job/record.js';
import { readAnswerView } from '../../src/operations/answer-view.js';
import { makeCall, makeRecord } from '../support/operations.js';

const { stateDir } = makeCall().house.settings;
const ids = { done: 'a'.repeat(32), failed: 'b'.repeat(32), lost: 'c'.repeat(32), damaged: 'd'.repeat(32) };
const finding = {
  severity: 'low',
  title: 't',
  detail: 'd'.repeat(3_000),
  file: 'a',
  line: 1,
  place: 'elsewhere',
};
const answer = { summary: 's', verdict: 'partial', confidence: 'low', findings: [finding], findingsTotal: 1 };
const coverage = {
  filesChanged: 2,
  reviewed: [{ path: 'a', lines: [] }],
  omitted: [{ path: 'b', reason: 'binary' }],
};

const reviewOf = (id: string, state: JobRecord['state']) =>
  makeRecord(id, state, {}, { kind: 'review', review: { scope: 'branch', ref: 'main', paths: [] } });

function keep(id: string, name: 'answer' | 'coverage', content: unknown): void {
  const layout = jobLayout(stateDir, id);
  mkdirSync(layout.directory, { recursive: true });
  writeFileSync(layout[name], typeof content === 'string' ? content : JSON.stringify(content));
}

async function view(record: JobRecord) {
  const outcome = await readAnswerView(record, stateDir);
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.fault.message);
  return outcome.value;
}

describe('the view of an answer', () => {
  it('tells verdict, findings and coverage, and warns of what was not reviewed', async () => {
    keep(ids.done, 'answer', answer);
    keep(ids.done, 'coverage', coverage);
    const seen = await view(reviewOf(ids.done, 'done'));
    assert.equal(seen?.summary, 's');
    assert.deepEqual(seen?.answer, {
      scope: 'branch',
      verdict: 'partial',
      confidence: 'low',
      findings: [finding],
      findings_total: 1,
      coverage: { files_changed: 2, files_reviewed: 1, omitted: coverage.omitted, complete: false },
    });
    assert.match(seen?.warnings.join() ?? '', /^Not reviewed: 1 of 2 changed files/);
  });

  it('stays small however much was found', async () => {
    keep(ids.done, 'answer', { ...answer, findings: Array(100).fill(finding), findingsTotal: 100 });
    keep(ids.done, 'coverage', coverage);
    const seen = await view(reviewOf(ids.done, 'done'));
    assert.equal(seen?.answer.findings_total, 100);
    assert.ok(JSON.stringify(seen).length < 40_000);
  });

  it('holds what there is of a job that failed, and nothing of a delegation', async () => {
    keep(ids.failed, 'coverage', coverage);
    const seen = await view(reviewOf(ids.failed, 'failed'));
    assert.equal(seen?.summary, null);
    assert.deepEqual(Object.keys(seen?.answer ?? {}), ['scope', 'coverage']);
    assert.equal(await view(makeRecord(ids.failed, 'done')), null);
  });

  it('is refused when what a job kept is gone or damaged', async () => {
    keep(ids.damaged, 'answer', '{"summary":');
    for (const id of [ids.lost, ids.damaged]) {
      const outcome = await readAnswerView(reviewOf(id, 'done'), stateDir);
      assert.equal(!outcome.ok && outcome.fault.code, 'result_unreadable');
    }
  });
});
