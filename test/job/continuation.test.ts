import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JobContext } from '../../machines/job.js';
import { continuationOf } from '../../src/job/continuation.js';
import { newRecord } from '../../src/job/new-record.js';
import type { JobRecord, Submission } from '../../src/job/record.js';
import { patchReport, runReport, submission, worktreeReport } from '../support/house.js';

const usage = (tokens: number) => ({
  inputTokens: tokens,
  cachedInputTokens: tokens,
  outputTokens: tokens,
  reasoningOutputTokens: tokens,
});

function ended(context: Partial<JobContext> = {}, over: Partial<Submission> = {}): JobRecord {
  const record = newRecord(submission({ backend: 'codex-exec', ...over }), 1, 0, 60);
  const left = { worktree: worktreeReport, run: { ...runReport, usage: usage(100) }, patch: patchReport };
  return { ...record, state: 'failed', context: { ...record.context, ...left, ...context } };
}

function take(record: JobRecord, backend: Submission['backend'] = 'codex-exec') {
  const taken = continuationOf(record, backend);
  assert.ok(taken.ok, taken.ok ? '' : taken.fault.message);
  return taken.value;
}

describe('what a follow-up takes over', () => {
  it('is the baseline, the patch, the thread and what the thread has cost', () => {
    const record = ended();
    assert.deepEqual(take(record), {
      jobId: record.id,
      baselineCommit: 'c0ffee',
      patch: { bytes: 3, sha256: 'ab' },
      threadId: 'thread-1',
      threadUsage: usage(100),
    });
  });

  it('counts what all jobs of the thread have cost, and has the thread of one that began no turn', () => {
    const first = take(ended());
    const second = take(ended({ run: { ...runReport, usage: usage(20) } }, { continues: first }));
    assert.deepEqual(second.threadUsage, usage(120));
    const third = take(ended({ run: null }, { continues: second }));
    assert.equal(third.threadId, 'thread-1');
    assert.deepEqual(third.threadUsage, usage(120));
  });

  it('is refused when the job left no patch, no thread, or had another backend', () => {
    const refused = (record: JobRecord, backend: Submission['backend'] = 'codex-exec') => {
      const taken = continuationOf(record, backend);
      return taken.ok ? null : [taken.fault.code, taken.fault.message];
    };
    assert.deepEqual(refused(ended({ worktree: null, patch: null })), [
      'cannot_continue',
      'The job cannot be continued. It left no patch.',
    ]);
    assert.deepEqual(refused(ended({ patch: null }))?.[0], 'cannot_continue');
    assert.match(refused(ended({ run: null }))?.[1] ?? '', /began no thread/);
    assert.match(refused(ended(), 'command')?.[1] ?? '', /codex-exec backend/);
  });

  it('can go on in another way of running Codex', () => {
    assert.equal(take(ended(), 'codex-app-server').threadId, 'thread-1');
    assert.equal(take(ended({}, { backend: 'codex-app-server' }), 'auto').threadId, 'thread-1');
  });

  it('needs no thread where the backend has none', () => {
    const record = ended({ run: { ...runReport, threadId: null } }, { backend: 'command' });
    assert.equal(take(record, 'command').threadId, null);
  });
});
