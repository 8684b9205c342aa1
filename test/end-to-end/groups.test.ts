import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { newClient } from '../support/mcp-client.js';
import { type Answer, commandLine, leavesNothing, makeOffshoot, type Offshoot } from '../support/offshoot.js';

describe('jobs that belong together', () => {
  let offshoot: Offshoot;

  before(async () => {
    offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND:
          'read task; case $task in hold*) exec sleep 600 ;; *) echo "$task" >"$task.txt" ;; esac',
        OFFSHOOT_MAX_RUNNING: '4',
      },
    });
    await offshoot.start();
  });
  after(() => offshoot.remove());

  const batch = (tasks: object[], input: object = {}): Promise<Answer> =>
    offshoot.call('codex_delegate_batch', { workspace_root: offshoot.repository, tasks, ...input });

  it('are handed over in a batch, with shared defaults, and waited for and listed by their group', async () => {
    const { jobs } = await batch([{ task: 'one\n' }, { task: 'two\n', label: 'second' }], {
      group_id: 'pair',
      label: 'shared',
    });
    const waited = await offshoot.call('codex_job_wait', {
      group_id: 'pair',
      mode: 'all',
      timeout_seconds: 50,
    });
    assert.equal(waited.timed_out, false);
    assert.equal(waited.jobs_total, 2);
    const listed = await offshoot.call('codex_job_list', { group_id: 'pair' });
    assert.deepEqual(
      listed.jobs.map(({ job_id, label }: Answer) => [job_id, label]),
      [
        [jobs[1].job_id, 'second'],
        [jobs[0].job_id, 'shared'],
      ],
    );
    assert.match((await offshoot.result(jobs[0].job_id)).patch.toString(), /\+one/);
  });

  it('are accepted all or none: a batch with one task that cannot be is refused and names it', async () => {
    const before = (await offshoot.call('codex_job_list', {})).jobs.length;
    const fault = await offshoot.refusal('codex_delegate_batch', {
      workspace_root: offshoot.repository,
      tasks: [{ task: 'fine' }, { task: 'elsewhere', workspace_root: '/nowhere' }],
    });
    assert.equal(fault.code, 'invalid_workspace_root');
    assert.equal(fault.details.task_index, 1);
    assert.equal((await offshoot.call('codex_job_list', {})).jobs.length, before);
  });

  it('are answered again, not started again, when a batch with a key is repeated', async () => {
    const tasks = [{ task: 'once\n' }, { task: 'twice\n' }];
    const first = await batch(tasks, { idempotency_key: 'key' });
    const second = await batch(tasks, { idempotency_key: 'key' });
    assert.deepEqual(
      second.jobs.map(({ job_id }: Answer) => job_id),
      first.jobs.map(({ job_id }: Answer) => job_id),
    );
    assert.ok(second.jobs.every(({ replayed }: Answer) => replayed));
    for (const other of [tasks.slice(0, 1), [...tasks, { task: 'once more' }]]) {
      const input = { workspace_root: offshoot.repository, tasks: other, idempotency_key: 'key' };
      const fault = await offshoot.refusal('codex_delegate_batch', input);
      assert.equal(fault.code, 'idempotency_conflict');
    }
  });

  it('are cancelled together by group, and those that ended stay as they are', async () => {
    const { jobs } = await batch([{ task: 'ends\n' }, { task: 'hold 1\n' }, { task: 'hold 2\n' }], {
      group_id: 'mixed',
    });
    await offshoot.result(jobs[0].job_id);
    const { cancelled } = await offshoot.call('codex_job_cancel', { group_id: 'mixed' });
    assert.equal(cancelled, 2);
    await offshoot.call('codex_job_wait', { group_id: 'mixed', mode: 'all', timeout_seconds: 50 });
    const { jobs: listed } = await offshoot.call('codex_job_list', { group_id: 'mixed' });
    assert.deepEqual(
      listed.map(({ status }: Answer) => status),
      ['cancelled', 'cancelled', 'done'],
    );
    assert.deepEqual(await offshoot.agents(), []);
  });

  it('are named in one way only', async () => {
    const fault = await offshoot.refusal('codex_job_cancel', { group_id: 'g', label: 'l' });
    assert.equal(fault.code, 'invalid_arguments');
    assert.equal((await offshoot.refusal('codex_job_wait', {})).code, 'invalid_arguments');
  });
});

describe('clients and lineage', () => {
  it('takes turns between clients, bounds what each may queue, and refuses jobs of a job by default', async () => {
    const offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND: 'cat >/dev/null; exec sleep 600',
        OFFSHOOT_MAX_RUNNING: '1',
        OFFSHOOT_MAX_QUEUED_PER_CLIENT: '3',
      },
    });
    try {
      await offshoot.start();
      const greedy = await offshoot.as({ client: 'greedy', parentJobId: null });
      const modest = await offshoot.as({ client: 'modest', parentJobId: null });
      const task = { task: 'x', workspace_root: offshoot.repository };
      const running = (await greedy('codex_delegate_async', task)).job_id;
      await offshoot.reach(running, 'running');
      for (let index = 0; index < 3; index += 1) await greedy('codex_delegate_async', task);
      await assert.rejects(greedy('codex_delegate_async', task), /queue_full/);
      const late = await modest('codex_delegate_async', task);
      assert.equal(late.queue_position, 1 + 1);
      await offshoot.call('codex_job_cancel', { job_id: running });
      const { jobs } = await offshoot.call('codex_job_list', { status: 'queued' });
      assert.ok(jobs.length >= 3);

      const nested = await offshoot.as({ client: 'agent', parentJobId: running });
      await assert.rejects(nested('codex_delegate_async', task), /nested_too_deep/);
      await offshoot.call('codex_job_wait', { job_ids: [running], timeout_seconds: 50 });
    } finally {
      await offshoot.remove();
    }
  });

  it('takes turns between bridges also where one program started them', async () => {
    const offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND: 'cat >/dev/null; exec sleep 600',
        OFFSHOOT_MAX_RUNNING: '1',
      },
    });
    const clients = [newClient(), newClient()];
    try {
      await offshoot.start();
      const delegate = async (client: (typeof clients)[number]): Promise<Answer> => {
        const input = { task: 'x', workspace_root: offshoot.repository };
        return (await client.callTool({ name: 'codex_delegate_async', arguments: input })).structuredContent;
      };
      const bridge = { command: process.execPath, args: [commandLine, 'mcp'], env: offshoot.environment };
      for (const client of clients) await client.connect(new StdioClientTransport(bridge));
      const [greedy, modest] = clients as [(typeof clients)[number], (typeof clients)[number]];
      await offshoot.reach((await delegate(greedy)).job_id, 'running');
      for (let index = 0; index < 3; index += 1) await delegate(greedy);
      assert.equal((await delegate(modest)).queue_position, 1 + 1);
    } finally {
      for (const client of clients) await client.close();
      await offshoot.remove();
    }
  });

  it('ends what came from a job when the job is cancelled, running and queued, and nothing else', async () => {
    const offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND: 'cat >/dev/null; exec sleep 600',
        OFFSHOOT_MAX_RUNNING: '3',
        OFFSHOOT_MAX_DEPTH: '3',
      },
    });
    try {
      await offshoot.start();
      const task = { task: 'x', workspace_root: offshoot.repository };
      const delegateFrom = async (parentJobId: string): Promise<string> => {
        const agent = await offshoot.as({ client: 'agent', parentJobId });
        return (await agent('codex_delegate_async', task)).job_id;
      };
      const parent = await offshoot.delegate('x');
      const other = await offshoot.delegate('x');
      for (const id of [parent, other]) await offshoot.reach(id, 'running');
      const child = await delegateFrom(parent);
      await offshoot.reach(child, 'running');
      const grandchild = await delegateFrom(child);
      await assert.rejects(delegateFrom(grandchild), /nested_too_deep/);

      await offshoot.call('codex_job_cancel', { job_id: parent });
      for (const id of [parent, child, grandchild])
        assert.equal((await offshoot.result(id)).status, 'cancelled');
      assert.match((await offshoot.result(child)).error.message, /came from was cancelled/);
      assert.equal((await offshoot.call('codex_job_status', { job_id: other })).status, 'running');
      await offshoot.call('codex_job_cancel', { job_id: other });
      await offshoot.result(other);
      await leavesNothing(offshoot);
    } finally {
      await offshoot.remove();
    }
  });
});
