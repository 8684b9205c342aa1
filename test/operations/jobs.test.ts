import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JobState } from '../../machines/job.js';
import { jobCancel } from '../../src/operations/job-cancel.js';
import { jobList } from '../../src/operations/job-list.js';
import { pollAfterMs } from '../../src/operations/job-state.js';
import { jobStatus } from '../../src/operations/job-status.js';
import { jobWait } from '../../src/operations/job-wait.js';
import type { House } from '../../src/operations/operation.js';
import { status } from '../../src/operations/status.js';
import { letGoOn } from '../support/house.js';
import {
  makeCall,
  makeRecord,
  NOON,
  notReady,
  type TestCall,
  temporaryRepository,
} from '../support/operations.js';

const wait = async (call: TestCall, input: Record<string, unknown>) => {
  const outcome = await jobWait.handle(jobWait.input.parse(input), call);
  assert.ok(outcome.ok);
  return jobWait.output.parse(outcome.value);
};

const LARGE = 1_500;

/** A group of more jobs than are looked at in one turn, of which the first is the oldest. */
function putGroup(call: TestCall, state: JobState): void {
  for (let sequence = 1; sequence <= LARGE; sequence += 1) {
    const record = makeRecord(`job${sequence}`, state, {}, { groupId: 'large' });
    call.house.supervisor.put({ ...record, sequence });
  }
}

describe('codex_job_status', () => {
  it('tells what a running job does', async () => {
    const call = makeCall();
    const progress = { events: 7, lastEventAt: NOON + 55_000, activity: 'runs tests', usage: null };
    call.house.supervisor.put(makeRecord('r', 'running', { progress }));
    const outcome = await jobStatus.handle({ job_id: 'r', workspace_root: '/ignored' }, call);
    assert.ok(outcome.ok);
    const job = jobStatus.output.parse(outcome.value);
    assert.equal(job.status, 'running');
    assert.equal(job.activity, 'runs tests');
    assert.equal(job.last_event_age_ms, 5_000);
    assert.equal(job.poll_after_ms, 10_000);
    assert.equal(job.stopping, null);
  });

  it('tells how a settled job ended, and not to poll on', async () => {
    const call = makeCall();
    const ending = { kind: 'expired' as const, code: 'deadline_passed', message: 'Too long.' };
    call.house.supervisor.put(makeRecord('x', 'expired', { ending }));
    const outcome = await jobStatus.handle({ job_id: 'x' }, call);
    assert.ok(outcome.ok);
    assert.equal(outcome.value.poll_after_ms, null);
    assert.equal(outcome.value.error?.code, 'deadline_passed');
    assert.equal(outcome.value.stopping, null);
  });

  it('asks to be polled later the longer nothing changes', () => {
    const record = makeRecord('q', 'queued');
    assert.deepEqual(
      [0, 500, 4_000, 60_000].map((age) => pollAfterMs(record, NOON + 1_000 + age)),
      [1_000, 1_000, 4_000, 10_000],
    );
  });
});

describe('codex_job_wait', () => {
  it('answers as soon as one of the jobs has settled, and marks unknown ones', async () => {
    const call = makeCall();
    call.house.supervisor.put(makeRecord('a', 'running'));
    call.house.supervisor.put(makeRecord('b', 'running'));
    const answer = wait(call, { job_ids: ['a', 'b'], timeout_seconds: 50 });
    call.house.supervisor.put(makeRecord('b', 'done'));
    const { jobs, timed_out } = await answer;
    assert.equal(timed_out, false);
    assert.deepEqual(
      jobs.map((job) => job.status),
      ['running', 'done'],
    );
    const unknown = await wait(call, { job_ids: ['nope'], timeout_seconds: 50 });
    assert.deepEqual(unknown.jobs, [{ job_id: 'nope', status: 'unknown' }]);
    assert.equal(call.house.supervisor.listening, 0);
  });

  it('waits for all of them with mode all, and running out of time is no error', async () => {
    const call = makeCall();
    call.house.supervisor.put(makeRecord('a', 'done'));
    call.house.supervisor.put(makeRecord('b', 'running'));
    const { timed_out } = await wait(call, { job_ids: ['a', 'b', 'b'], mode: 'all', timeout_seconds: 0 });
    assert.equal(timed_out, true);
    assert.equal(call.house.supervisor.records.get('b')?.state, 'running');
  });

  it('waits for every job of a large group, and shows the newest', async () => {
    const call = makeCall();
    putGroup(call, 'done');
    const oldest = call.house.supervisor.put(makeRecord('job1', 'running', {}, { groupId: 'large' }));
    const all = { group_id: 'large', mode: 'all', timeout_seconds: 0 };
    assert.equal((await wait(call, all)).timed_out, true);
    const answer = wait(call, { ...all, timeout_seconds: 50 });
    await letGoOn();
    call.house.supervisor.put({ ...oldest, state: 'done' });
    const { timed_out, jobs, jobs_total } = await answer;
    assert.deepEqual([timed_out, jobs.length, jobs_total], [false, 100, LARGE]);
    assert.equal(jobs[0]?.job_id, `job${LARGE}`);
    assert.equal(call.house.supervisor.listening, 0);
  });

  it('wakes for any job of a large group, the oldest too', async () => {
    const call = makeCall();
    putGroup(call, 'running');
    const answer = wait(call, { group_id: 'large', mode: 'any', timeout_seconds: 50 });
    await letGoOn();
    call.house.supervisor.put(makeRecord('job1', 'done', {}, { groupId: 'large' }));
    assert.equal((await answer).timed_out, false);
    assert.equal(call.house.supervisor.listening, 0);
  });

  it('shows those of a large group first that have ended', async () => {
    const call = makeCall();
    putGroup(call, 'queued');
    for (const id of ['job1', 'job7'])
      call.house.supervisor.put({
        ...makeRecord(id, 'done', {}, { groupId: 'large' }),
        sequence: Number(id.slice(3)),
      });
    const { timed_out, jobs } = await wait(call, { group_id: 'large', timeout_seconds: 50 });
    assert.equal(timed_out, false);
    assert.deepEqual(jobs.map(({ job_id }) => job_id).slice(0, 3), ['job7', 'job1', `job${LARGE}`]);
    assert.equal(jobs.length, 100);
  });

  it('tells at once what the first job does that has not ended', async () => {
    const call = makeCall();
    for (const [id, state] of [
      ['a', 'done'],
      ['b', 'running'],
      ['c', 'queued'],
    ] as const)
      call.house.supervisor.put(makeRecord(id, state));
    await wait(call, { job_ids: ['a', 'b', 'c'], mode: 'all', timeout_seconds: 0 });
    assert.deepEqual(call.reports, ['b: running']);
  });

  it('does not wait where no job has the name', async () => {
    for (const mode of ['any', 'all']) {
      const nobody = await wait(makeCall(), { label: 'misspelt', mode, timeout_seconds: 50 });
      assert.deepEqual(nobody, { ok: true, timed_out: false, jobs: [], jobs_total: 0 });
    }
  });

  it('only looks where too many calls of its client wait already', async () => {
    const call = makeCall({ rest: () => null });
    call.house.supervisor.put(makeRecord('a', 'running'));
    const { timed_out } = await wait(call, { job_ids: ['a'], timeout_seconds: 50 });
    assert.equal(timed_out, true);
  });

  it('takes 1 to 100 ids, and no others than ids', () => {
    const fits = (input: unknown) => jobWait.input.safeParse(input).success;
    assert.ok(!fits({ job_ids: [] }));
    assert.ok(fits({ job_ids: Array(100).fill('a') }));
    assert.ok(!fits({ job_ids: Array(101).fill('a') }));
    assert.ok(!fits({ job_ids: ['../../etc/passwd'] }));
    assert.ok(!fits({ job_ids: ['a'], timeout_seconds: 51 }));
  });
});

describe('codex_job_cancel', () => {
  it('decides how a running job will end and leaves a settled one as it is', async () => {
    const call = makeCall();
    call.house.supervisor.put(makeRecord('r', 'running'));
    call.house.supervisor.put(makeRecord('d', 'done'));
    const running = await jobCancel.handle({ job_id: 'r' }, call);
    assert.ok(running.ok);
    assert.equal(running.value.stopping, 'cancelled');
    const done = await jobCancel.handle({ job_id: 'd' }, call);
    assert.ok(done.ok);
    assert.equal(done.value.status, 'done');
    const unknown = await jobCancel.handle({ job_id: 'u' }, call);
    assert.equal(unknown.ok ? null : unknown.fault.code, 'job_not_found');
  });
});

describe('codex_job_cancel of a group', () => {
  it('ends every job of it that has not ended, however many there are, and none of another', async () => {
    const call = makeCall();
    putGroup(call, 'queued');
    const { supervisor } = call.house;
    supervisor.put(makeRecord('job1', 'done', {}, { groupId: 'large' }));
    supervisor.put(makeRecord('other', 'queued', {}, { groupId: 'other' }));
    const answer = await jobCancel.handle({ group_id: 'large' }, call);
    assert.ok(answer.ok);
    assert.equal(answer.value.cancelled, LARGE - 1);
    const left = [...supervisor.records.values()].filter(({ context }) => context.ending === null);
    assert.deepEqual(
      left.map(({ id }) => id),
      ['job1', 'other'],
    );
  });
});

describe('codex_job_list', () => {
  const list = (call: TestCall, input: Record<string, unknown>) =>
    jobList.handle(jobList.input.parse(input), call);

  it('pages through the jobs, newest first, each once', async () => {
    const call = makeCall();
    for (let sequence = 1; sequence <= 7; sequence += 1) {
      call.house.supervisor.put({ ...makeRecord(`job${sequence}`, 'queued'), sequence });
    }
    const seen: string[] = [];
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const page = await list(call, { limit: 3, ...(cursor && { cursor }) });
      assert.ok(page.ok);
      seen.push(...page.value.jobs.map((job) => job.job_id));
      cursor = page.value.next_cursor;
    }
    assert.deepEqual(seen, ['job7', 'job6', 'job5', 'job4', 'job3', 'job2', 'job1']);
  });

  it('filters by repository, state and label, and refuses a cursor of another listing', async () => {
    const call = makeCall();
    const repository = temporaryRepository();
    const mine = { repository: `${repository}/.git`, label: 'mine' };
    call.house.supervisor.put({ ...makeRecord('a', 'done', {}, mine), sequence: 1 });
    call.house.supervisor.put({ ...makeRecord('b', 'done', {}, mine), sequence: 2 });
    call.house.supervisor.put({ ...makeRecord('c', 'queued'), sequence: 3 });
    const filter = { workspace_root: repository, status: 'done', label: 'mine', limit: 1 };
    const page = await list(call, filter);
    assert.ok(page.ok);
    assert.deepEqual(
      page.value.jobs.map((job) => job.job_id),
      ['b'],
    );
    const other = await list(call, { limit: 1, cursor: page.value.next_cursor });
    assert.equal(other.ok ? null : other.fault.code, 'invalid_cursor');
    const next = await list(call, { ...filter, limit: 2, cursor: page.value.next_cursor });
    assert.ok(next.ok);
    assert.deepEqual(
      next.value.jobs.map((job) => job.job_id),
      ['a'],
    );
  });
});

describe('codex_status', () => {
  it('tells what is missing instead of refusing', async () => {
    const call = makeCall({}, { preflight: notReady });
    const outcome = await status.handle({}, call);
    assert.ok(outcome.ok);
    const info = status.output.parse(outcome.value);
    assert.equal(info.ready, false);
    assert.equal(info.problem?.code, 'codex_not_found');
    assert.equal(info.codex.found, false);
    const well = await status.handle({}, makeCall());
    assert.ok(well.ok);
    assert.equal(well.value.ready, true);
    assert.equal(well.value.daemon.uptime_seconds, 60);
  });

  it('tells that the queue is full for this client, or that the daemon stops', async () => {
    const call = makeCall();
    call.house.supervisor.isFull = true;
    const problemOf = async (house: Partial<House> = {}) => {
      const outcome = await status.handle({}, { ...call, house: { ...call.house, ...house } });
      assert.ok(outcome.ok);
      return [outcome.value.ready, outcome.value.problem?.code];
    };
    assert.deepEqual(await problemOf(), [false, 'queue_full']);
    assert.deepEqual(call.house.supervisor.askedRoomFor, [{ repository: '', client: 'client' }]);
    assert.deepEqual(await problemOf({ draining: () => true }), [false, 'draining']);
    assert.deepEqual(await problemOf({ preflight: notReady }), [false, 'codex_not_found']);
  });
});
