import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createTaskSessionFromClient, resultFromTaskOutcome } from '@modelcontextprotocol/ext-tasks/client';
import type { HttpServed } from '../support/http.js';
import { until } from '../support/link-toys.js';
import type { McpHouse } from '../support/mcp-house.js';
import {
  clientInfo,
  REVISION,
  rawDispatch,
  type StatelessClient,
  serveHouse,
  statelessOverHttp,
  statelessOverSocket,
  taskCapabilities,
} from '../support/stateless-client.js';

describe('revision 2026-07-28', () => {
  let house: McpHouse;
  let served: HttpServed;
  let path: string;
  let takeOver: () => Promise<HttpServed>;
  let remove: () => Promise<void>;
  before(async () => {
    ({ house, served, path, takeOver, remove } = await serveHouse());
  });
  after(() => remove());

  const work = () => ({ task: 'work', workspace_root: house.repository });
  const connectSdk = async (capabilities: object) => {
    const client = new Client(clientInfo, { capabilities, versionNegotiation: { mode: 'auto' } });
    const headers = { authorization: `Bearer ${served.token}` };
    await client.connect(
      new StreamableHTTPClientTransport(new URL(served.url), { requestInit: { headers } }),
    );
    return client;
  };

  it("is what the newer SDK's client finds, with the same tools", async () => {
    const client = await connectSdk({});
    assert.equal(client.getNegotiatedProtocolVersion(), REVISION);
    const { tools } = await client.listTools();
    assert.deepEqual(
      tools.map(({ name }) => name),
      house.service.operations.map(({ tool }) => tool),
    );
    const answer = await client.callTool({ name: 'codex_job_list', arguments: {} });
    assert.equal((answer.structuredContent as { ok: boolean }).ok, true);
    const refused = await client.callTool({ name: 'codex_job_status', arguments: { job_id: 'none' } });
    assert.equal(refused.isError, true);
    assert.equal((refused.structuredContent as { error: { code: string } }).error.code, 'job_not_found');
    await assert.rejects(client.readResource({ uri: `offshoot://jobs/${'0'.repeat(32)}` }), { code: -32602 });
    await client.close();
  });

  it('takes a call to the end as a task, for a client of the tasks package', async () => {
    const client = await connectSdk(taskCapabilities);
    const session = createTaskSessionFromClient(client, {
      endpointId: 'offshoot',
      rawDispatch: rawDispatch(served),
      v2RequestFraming: { protocolVersion: REVISION, clientInfo, clientCapabilities: taskCapabilities },
    });
    const execution = await session.callTool('codex_delegate', work());
    const [job] = await house.service.house.supervisor.list({ limit: 1 });
    assert.ok(job);
    const settling = execution.settle();
    await house.finish(job.record.id);
    const { outcome } = await settling;
    const result = resultFromTaskOutcome(outcome) as { structuredContent: Record<string, unknown> };
    assert.equal(result.structuredContent.job_id, job.record.id);
    assert.equal(result.structuredContent.settled, true);
    assert.equal(result.structuredContent.status, 'done');
    assert.equal(result.structuredContent.patch, 'diff --git a/a b/a\n');
    await session.close();
    await client.close();
  });

  const ways: Record<string, () => Promise<StatelessClient>> = {
    HTTP: async () => statelessOverHttp(served),
    'the socket': () => statelessOverSocket(path),
  };
  for (const [name, connect] of Object.entries(ways)) {
    describe(`over ${name}`, () => {
      let client: StatelessClient;
      before(async () => {
        client = await connect();
      });
      after(() => client.close());
      const begin = async (input = {}) => {
        const { result } = await client.ask('tools/call', {
          name: 'codex_delegate',
          arguments: { ...work(), ...input },
        });
        return result;
      };

      it('answers a task to who declares tasks, and the outcome with the task', async () => {
        const task = await begin({ timeout_seconds: 10 });
        assert.equal(task.resultType, 'task');
        assert.equal(task.status, 'working');
        assert.equal(task.ttlMs, null);
        assert.ok(task.pollIntervalMs >= 1_000);
        const running = (await client.ask('tasks/get', { taskId: task.taskId })).result;
        assert.deepEqual([running.resultType, running.status], ['complete', 'working']);
        assert.equal(running.createdAt, task.createdAt);
        await house.finish(task.taskId);
        await house.service.house.supervisor.settled([task.taskId], 'all', new AbortController().signal);
        const done = (await client.ask('tasks/get', { taskId: task.taskId })).result;
        assert.equal(done.status, 'completed');
        assert.equal(done.result.structuredContent.settled, true);
        assert.ok(done.ttlMs > 0);
      });

      it('answers no task to who does not declare tasks', async () => {
        const call = client.ask(
          'tools/call',
          { name: 'codex_delegate', arguments: { ...work(), label: `waits by ${name}` } },
          { capabilities: {} },
        );
        const jobOf = async () =>
          (await house.service.house.supervisor.list({ label: `waits by ${name}`, limit: 1 }))[0];
        await until(async () => (await jobOf()) !== undefined);
        await house.finish((await jobOf())?.record.id ?? '');
        const { result } = await call;
        assert.equal(result.resultType, 'complete');
        assert.equal(result.structuredContent.settled, true);
        const { error } = await client.ask(
          'tasks/get',
          { taskId: result.structuredContent.job_id },
          { capabilities: {} },
        );
        assert.equal(error.code, -32021);
        assert.ok(error.data.requiredCapabilities.extensions['io.modelcontextprotocol/tasks']);
      });

      it('cancels a task, once or twice, and takes input that nobody asked for', async () => {
        const { taskId } = await begin();
        const running = await house.pool.next('run', taskId);
        for (const method of ['tasks/cancel', 'tasks/cancel', 'tasks/update']) {
          const { result, error } = await client.ask(method, { taskId, inputResponses: {} });
          assert.equal(error, undefined, JSON.stringify(error));
          assert.equal(result.resultType, 'complete');
        }
        assert.ok(running.stop.aborted);
        await house.finish(taskId);
        await house.service.house.supervisor.settled([taskId], 'all', new AbortController().signal);
        assert.equal((await client.ask('tasks/get', { taskId })).result.status, 'cancelled');
      });

      it('knows no task that was never begun', async () => {
        for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update']) {
          for (const taskId of ['0'.repeat(32), '__proto__', '']) {
            const { error } = await client.ask(method, { taskId, inputResponses: {} });
            assert.equal(error.code, -32602, `${method} ${taskId}`);
          }
        }
      });

      it('refuses what the tool refuses, as the tool does', async () => {
        for (const [input, code] of [
          [{ timeout_seconds: 1 }, 'invalid_arguments'],
          [{ workspace_root: '/' }, 'not_a_git_repo'],
        ] as const) {
          const refused = await begin(input);
          assert.equal(refused.isError, true);
          assert.equal(refused.structuredContent.error.code, code);
        }
      });

      it('tells progress to who asks for it', async () => {
        const { taskId } = await begin({ label: 'noisy' });
        const running = await house.pool.next('run', taskId);
        running.progress({ events: 3, lastEventAt: 0, activity: 'thinking', usage: null });
        const heard: string[] = [];
        const waiting = client.ask(
          'tools/call',
          { name: 'codex_job_wait', arguments: { job_ids: [taskId] }, _meta: { progressToken: 'p' } },
          {
            onNotification: ({ method, params }) =>
              method === 'notifications/progress' && heard.push(params.message),
          },
        );
        await until(() => heard.length > 0);
        await house.finish(taskId);
        assert.equal((await waiting).result.structuredContent.timed_out, false);
        assert.equal(heard[0], 'noisy: running, thinking (3 events)');
      });

      it('tells listeners of the resources that they named', async () => {
        const listening = await connect();
        const { taskId } = await begin();
        await house.pool.next('run', taskId);
        const uri = `offshoot://jobs/${taskId}`;
        const heard: { method: string; params: { uri: string } }[] = [];
        const ending = listening.ask(
          'subscriptions/listen',
          { notifications: { resourceSubscriptions: [uri] } },
          { onNotification: (notification) => heard.push(notification) },
        );
        ending.catch(() => {});
        await until(() => heard.some(({ method }) => method === 'notifications/subscriptions/acknowledged'));
        await house.finish(taskId);
        await until(() =>
          heard.some(
            ({ method, params }) => method === 'notifications/resources/updated' && params.uri === uri,
          ),
        );
        assert.ok(!heard.some(({ params }) => params.uri?.endsWith('/patch')));
        listening.close();
      });
    });
  }

  it('may be looked for by a client that then begins a session on the same connection', async () => {
    const client = await statelessOverSocket(path);
    const { result } = await client.ask('server/discover');
    assert.deepEqual(result.supportedVersions, [REVISION]);
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    const begun = await client.ask('initialize', params, { capabilities: null });
    assert.equal(begun.result.protocolVersion, '2025-11-25');
    const listed = await client.ask('tools/list', {}, { capabilities: null });
    assert.equal(listed.result.tools.length, house.service.operations.length);
    client.close();
  });

  it('keeps a task when another daemon takes over', async () => {
    const input = { name: 'codex_delegate', arguments: work() };
    const { taskId } = (await statelessOverHttp(served).ask('tools/call', input)).result;
    await house.pool.next('run', taskId);
    const client = statelessOverHttp(await takeOver());
    assert.equal((await client.ask('tasks/get', { taskId })).result.status, 'working');
    await house.finish(taskId);
    await house.service.house.supervisor.settled([taskId], 'all', new AbortController().signal);
    assert.equal((await client.ask('tasks/get', { taskId })).result.status, 'completed');
  });
});
