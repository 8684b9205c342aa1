import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refuse } from '../../src/errors.js';
import { delegateAsync } from '../../src/operations/delegate-async.js';
import { delegateDryRun } from '../../src/operations/delegate-dry-run.js';
import { makeCall, makeRecord, notReady, temporaryRepository } from '../support/operations.js';

const repository = temporaryRepository();
const parse = (input: object) =>
  delegateDryRun.input.parse({ task: 'do it', workspace_root: repository, ...input });

describe('codex_delegate_dry_run', () => {
  it('takes what codex_delegate_async takes, but continues', () => {
    const fields = Object.keys(delegateAsync.input.shape).filter((name) => name !== 'continues');
    assert.deepEqual(Object.keys(delegateDryRun.input.shape), fields);
  });

  it('answers what a job would start from and the place that it would get, and submits nothing', async () => {
    const call = makeCall();
    call.house.supervisor.put(makeRecord('a'.repeat(32), 'queued'));
    const outcome = await delegateDryRun.handle(parse({ deadline_seconds: 99 }), call);
    assert.ok(outcome.ok);
    const answer = delegateDryRun.output.parse(outcome.value);
    assert.equal(answer.ready, true);
    assert.equal(answer.baseline_commit, 'decaf');
    assert.deepEqual(answer.untracked, { taken: 0, left: 2 });
    assert.deepEqual([answer.queue_position, answer.limits.deadline_seconds, answer.task_bytes], [2, 99, 5]);
    assert.equal(answer.jobs.queued, 1);
    assert.match(answer.warnings.join('\n'), /Mind the gap\..*read what the user can read/s);
    assert.deepEqual(call.house.supervisor.requests, []);
  });

  it('tells what a job could reach, which is more with the command backend', async () => {
    const call = makeCall();
    call.house.settings = { ...call.house.settings, backend: 'command' };
    const outcome = await delegateDryRun.handle(parse({}), call);
    assert.match(outcome.ok ? outcome.value.warnings.join() : '', /no sandbox: it reads and writes/);
  });

  it('tells why a job would not be accepted, with what it would start from', async () => {
    const outcome = await delegateDryRun.handle(parse({}), makeCall({}, { preflight: notReady }));
    assert.ok(outcome.ok);
    assert.equal(outcome.value.ready, false);
    assert.equal(outcome.value.problem?.code, 'codex_not_found');
    assert.equal(outcome.value.checkout.files, 3);
  });

  it('tells that the queue is full', async () => {
    const call = makeCall();
    call.house.supervisor.isFull = true;
    const outcome = await delegateDryRun.handle(parse({}), call);
    assert.deepEqual(outcome.ok && [outcome.value.ready, outcome.value.problem?.code], [false, 'queue_full']);
  });

  it('refuses what a delegation refuses, and what the baseline is refused for', async () => {
    const refusal = async (input: object, call = makeCall()) => {
      const outcome = await delegateDryRun.handle(parse(input), call);
      return outcome.ok ? null : outcome.fault.code;
    };
    assert.equal(await refusal({ task: ' ' }), 'invalid_arguments');
    assert.equal(await refusal({ workspace_root: '/nowhere' }), 'invalid_workspace_root');
    assert.equal(await refusal({ extra_args: ['--add-dir', '/'] }), 'extra_args_rejected');
    const broken = makeCall({}, { preview: async () => refuse('unmerged_index') });
    assert.equal(await refusal({}, broken), 'unmerged_index');
  });
});
