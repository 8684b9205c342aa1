import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answerSchema, type ReadingKind, readAnswer } from '../../src/agents/answer.js';

const finding = { severity: 'low', title: 't', detail: 'd', file: 'a.txt', line: 1 };
const review = { summary: 's', verdict: 'pass', confidence: 'high', findings: [finding] };

function read(kind: ReadingKind, answer: unknown) {
  const outcome = readAnswer(kind, JSON.stringify(answer));
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.fault.message);
  return outcome.value;
}

function faultOf(kind: ReadingKind, message: string | null): string {
  const outcome = readAnswer(kind, message);
  assert.ok(!outcome.ok);
  assert.equal(outcome.fault.code, 'answer_invalid');
  return outcome.fault.message;
}

describe('the answer of an agent that only reads', () => {
  it('has a verdict if it is a review, and none if it is a consult', () => {
    assert.deepEqual(read('review', review), { ...review, findingsTotal: 1 });
    const consult = read('consult', { summary: 's', findings: [] });
    assert.deepEqual([consult.verdict, consult.confidence], [null, null]);
  });

  it('is refused by the name of what does not fit, never by its value', () => {
    assert.match(faultOf('review', null), /without an answer/);
    assert.match(faultOf('review', 'Fine!'), /not JSON/);
    assert.match(faultOf('review', JSON.stringify({ ...review, verdict: 'splendid' })), /: verdict does not/);
    const crooked = { ...review, findings: [{ ...finding, line: 'nine' }] };
    assert.match(faultOf('review', JSON.stringify(crooked)), /findings\.0\.line/);
    assert.doesNotMatch(faultOf('review', JSON.stringify(crooked)), /nine/);
    assert.match(faultOf('consult', JSON.stringify({ summary: ' ', findings: [] })), /no text/);
  });

  it('is bounded, and holds nothing that could do something to a terminal', () => {
    const title = `\u001b[31m${'x'.repeat(1_000)}`;
    const many = Array.from({ length: 150 }, () => ({ ...finding, title, file: ' ', line: 0 }));
    const { findings, findingsTotal, summary } = read('consult', { summary: 'a\u0007b', findings: many });
    assert.equal(summary, 'ab');
    assert.deepEqual([findings.length, findingsTotal], [100, 150]);
    assert.ok((findings[0]?.title.length ?? 0) <= 301);
    assert.ok(!findings[0]?.title.includes('\u001b'));
    assert.deepEqual([findings[0]?.file, findings[0]?.line], [null, null]);
  });

  it('is asked for in a form in which every member is required and no other allowed', () => {
    const schema = JSON.parse(JSON.stringify(answerSchema('review')));
    assert.deepEqual(schema.required, ['summary', 'verdict', 'confidence', 'findings']);
    const item = schema.properties.findings.items;
    assert.deepEqual(item.required, Object.keys(item.properties));
    assert.deepEqual([schema.additionalProperties, item.additionalProperties], [false, false]);
  });
});
