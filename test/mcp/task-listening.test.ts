import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createTaskSessionFromClient, resultFromTaskOutcome } from '@modelcontextprotocol/ext-tasks/client';
import {
  contributeTaskFilterV2,
  readAcceptedTaskIdsV2,
  TaskStatusNotificationV2Schema,
} from '@modelcontextprotocol/ext-tasks/core/v2';
import { ensureToken } from '../../src/http/tokens.js';
import { ownHello } from '../../src/ipc/hello.js';
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

// biome-ignore lint/suspicious/noExplicitAny: whatever the server tells is what tests look at.
type Notification = any;

describe('listening for tasks, in revision 2026-07-28', () => {
  let house: McpHouse;
  let served: HttpServed;
  let path: string;
  let remove: () => Promise<void>;
  before(async () => {
    ({ house, served, path, remove } = await serveHouse());
  });
  after(() => remove());

  const work = () => ({ task: 'work', workspace_root: house.repository });
  const settled = (taskId: string) =>
    house.service.house.supervisor.settled([taskId], 'all', new AbortController().signal);
  const begin = async (client: StatelessClient): Promise<string> =>
    (await client.ask('tools/call', { name: 'codex_delegate', arguments: work() })).result.taskId;

  /** Listens until the client is closed; answers all that it is told, once the acknowledgement is there. */
  async function listenWith(client: StatelessClient, notifications: object): Promise<Notification[]> {
    const heard: Notification[] = [];
    client
      .ask('subscriptions/listen', { notifications }, { onNotification: (each) => heard.push(each) })
      .catch(() => {});
    await until(() => heard.length > 0);
    assert.equal(heard[0].method, 'notifications/subscriptions/acknowledged');
    return heard;
  }
  const tasksIn = (heard: Notification[]) => heard.filter(({ method }) => method === 'notifications/tasks');

  const ways: Record<string, () => Promise<StatelessClient>> = {
    HTTP: async () => statelessOverHttp(served),
    'the socket': () => statelessOverSocket(path),
  };
  for (const [name, connect] of Object.entries(ways)) {
    describe(`over ${name}`, () => {
      it('is told of the task as it is, and of its result when there is one', async () => {
        const client = await connect();
        const taskId = await begin(client);
        await house.pool.next('run', taskId);
        const heard = await listenWith(client, contributeTaskFilterV2({}, [taskId]).notifications);
        assert.deepEqual(readAcceptedTaskIdsV2(heard[0].params), [taskId]);
        await until(() => tasksIn(heard).length > 0);
        assert.equal(tasksIn(heard)[0].params.status, 'working');
        await house.finish(taskId);
        await until(() => tasksIn(heard).at(-1).params.status === 'completed');

        const { result } = await client.ask('tasks/get', { taskId });
        const { _meta, ...told } = tasksIn(heard).at(-1).params;
        const { resultType: _, _meta: __, ...got } = result;
        assert.deepEqual(told, got);
        assert.equal(told.result.structuredContent.patch, 'diff --git a/a b/a\n');
        for (const each of tasksIn(heard)) {
          assert.ok(TaskStatusNotificationV2Schema.safeParse(each).success);
          assert.deepEqual(each.params._meta, heard[0].params._meta);
        }
        client.close();
      });

      it('is told at once of a task that has ended already', async () => {
        const client = await connect();
        const taskId = await begin(client);
        await house.finish(taskId);
        await settled(taskId);
        const heard = await listenWith(client, { taskIds: [taskId, taskId] });
        await until(() => tasksIn(heard).length > 0);
        assert.equal(tasksIn(heard)[0].params.status, 'completed');
        client.close();
      });

      it("is told of the client's own tasks alone, and of no task that is not there", async () => {
        const client = await connect();
        const other = statelessOverHttp({ ...served, token: ensureToken(served.stateDir, 'other') });
        const [own, foreign] = [await begin(client), await begin(other)];
        const heard = await listenWith(client, { taskIds: [foreign, own, '0'.repeat(32), '__proto__', ''] });
        assert.deepEqual(readAcceptedTaskIdsV2(heard[0].params), [own]);
        await house.finish(foreign);
        await settled(foreign);
        await house.finish(own);
        await until(() => tasksIn(heard).at(-1)?.params.status === 'completed');
        assert.deepEqual(
          tasksIn(heard).filter(({ params }) => params.taskId !== own),
          [],
        );
        client.close();
      });

      it('can be had beside listening for resources, which says nothing more than before', async () => {
        const client = await connect();
        const [asTask, asResource] = [await begin(client), await begin(client)];
        const uri = `offshoot://jobs/${asResource}`;
        const heard = await listenWith(client, { taskIds: [asTask], resourceSubscriptions: [uri] });
        assert.deepEqual(heard[0].params.notifications, { taskIds: [asTask], resourceSubscriptions: [uri] });
        await house.finish(asTask);
        await until(() => tasksIn(heard).at(-1)?.params.status === 'completed');
        await house.finish(asResource);
        const updates = () => heard.filter(({ method }) => method === 'notifications/resources/updated');
        await until(() => updates().length > 0);
        assert.deepEqual(new Set(updates().map(({ params }) => params.uri)), new Set([uri]));
        assert.deepEqual(new Set(tasksIn(heard).map(({ params }) => params.taskId)), new Set([asTask]));
        client.close();
      });

      it('is refused to a client that does not declare tasks, and for a list that is none', async () => {
        const client = await connect();
        const refused = async (taskIds: unknown, capabilities = taskCapabilities as object) =>
          (await client.ask('subscriptions/listen', { notifications: { taskIds } }, { capabilities })).error;
        const missing = await refused([], {});
        assert.equal(missing.code, -32021);
        assert.ok(missing.data.requiredCapabilities.extensions['io.modelcontextprotocol/tasks']);
        for (const taskIds of ['all', [1], null, new Array(101).fill('0'.repeat(32))]) {
          assert.equal((await refused(taskIds)).code, -32602);
        }
        client.close();
      });
    });
  }

  it('goes on with a task that another bridge of the same program began, as where one was killed', async () => {
    const { origin } = ownHello('mcp');
    const [killed, next, stranger] = ['/1', '/2', '0/1'].map((bridge) => ({
      origin: { ...origin, client: origin.client.replace(/\/\d+$/, bridge) },
    }));
    const client = await statelessOverSocket(path, killed);
    const taskId = await begin(client);
    client.close();
    const accepted = async (from: typeof next) => {
      const listening = await statelessOverSocket(path, from);
      const heard = await listenWith(listening, { taskIds: [taskId] });
      listening.close();
      return readAcceptedTaskIdsV2(heard[0].params);
    };
    assert.deepEqual(await accepted(next), [taskId]);
    assert.deepEqual(await accepted(stranger), []);
    await house.finish(taskId);
    await settled(taskId);
  });

  it('ends when the client takes it back, on a connection that goes on', async () => {
    const client = await statelessOverSocket(path);
    const taskId = await begin(client);
    await house.pool.next('run', taskId);
    const ended = await listenWith(client, { taskIds: [taskId] });
    await until(() => tasksIn(ended).length > 0);
    const id = ended[0].params._meta['io.modelcontextprotocol/subscriptionId'];
    client.cancel(id);
    const heard = await listenWith(client, { taskIds: [taskId] });
    await house.finish(taskId);
    await until(() => tasksIn(heard).at(-1)?.params.status === 'completed');
    const before = ended.filter(
      ({ params }) => params._meta['io.modelcontextprotocol/subscriptionId'] === id,
    );
    assert.equal(tasksIn(before).length, 1);
    client.close();
  });

  it('wakes a client of the tasks package, which need not ask', async () => {
    const client = new Client(clientInfo, {
      capabilities: taskCapabilities,
      versionNegotiation: { mode: 'auto' },
    });
    const headers = { authorization: `Bearer ${served.token}` };
    await client.connect(
      new StreamableHTTPClientTransport(new URL(served.url), { requestInit: { headers } }),
    );
    const dispatch = rawDispatch(served);
    const session = createTaskSessionFromClient(client, {
      endpointId: 'offshoot',
      // Asking is of no use to it: no answer ever comes.
      rawDispatch: (request, options) =>
        (request as { method: string }).method === 'tasks/get'
          ? new Promise(() => {})
          : dispatch(request, options),
      v2RequestFraming: { protocolVersion: REVISION, clientInfo, clientCapabilities: taskCapabilities },
    });
    const execution = await session.callTool('codex_delegate', work());
    const [job] = await house.service.house.supervisor.list({ limit: 1 });
    assert.ok(job);
    const settling = execution.settle();
    const subscription = await client.listen({ taskIds: [job.record.id] } as object);
    await house.finish(job.record.id);
    const { outcome } = await settling;
    const result = resultFromTaskOutcome(outcome) as { structuredContent: Record<string, unknown> };
    assert.equal(result.structuredContent.status, 'done');
    await subscription.close();
    await session.close();
    await client.close();
  });
});
