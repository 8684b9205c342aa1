import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { listen } from '../../src/ipc/listen.js';
import { type Mcp, mcpService } from '../../src/mcp/serve-mcp.js';
import { connectOverHttp, serveOverHttp } from '../support/http.js';
import { until } from '../support/link-toys.js';
import { connectClient } from '../support/mcp-client.js';
import { type McpHouse, makeMcpHouse } from '../support/mcp-house.js';

interface Way {
  connect(): Promise<Client>;
  close(): Promise<void>;
}

const ways: Record<string, (house: McpHouse, mcp: Mcp) => Promise<Way>> = {
  async 'the socket'({ stateDir }, mcp) {
    const path = join(stateDir, 'daemon.sock');
    const accept = { mcp: mcp.serve, operations: () => {} };
    const listener = await listen({ path, version: '0', accept });
    if (!listener.ok) throw new Error(listener.fault.message);
    return { connect: () => connectClient(path), close: listener.value.close };
  },
  async HTTP({ stateDir }, mcp) {
    const served = await serveOverHttp({ stateDir, mcp });
    return { connect: async () => (await connectOverHttp(served)).client, close: served.close };
  },
};

for (const [name, open] of Object.entries(ways)) {
  describe(`resources over ${name}`, () => {
    let house: McpHouse;
    let way: Way;
    let client: Client;
    before(async () => {
      house = await makeMcpHouse();
      way = await open(house, mcpService(house.service));
      client = await way.connect();
    });
    after(async () => {
      await client?.close();
      await way?.close();
      await house?.remove();
    });

    const delegate = async (label: string) => {
      const input = { task: 'work', workspace_root: house.repository, label };
      const { structuredContent } = await client.callTool({ name: 'codex_delegate_async', arguments: input });
      return (structuredContent as { job_id: string }).job_id;
    };
    const settled = (jobId: string) =>
      client.callTool({ name: 'codex_job_wait', arguments: { job_ids: [jobId], timeout_seconds: 10 } });
    const contentsOf = async (uri: string) => {
      const [contents] = (await client.readResource({ uri })).contents;
      assert.ok(contents);
      return contents as { uri: string; text?: string; blob?: string; _meta?: Record<string, unknown> };
    };

    it('are the jobs, listed newest first, each with its patch once there is one', async () => {
      const first = await delegate('first');
      await house.finish(first);
      await settled(first);
      const second = await delegate('second');
      const { resources } = await client.listResources();
      assert.deepEqual(
        resources.map(({ uri, name }) => [uri, name]),
        [
          [`offshoot://jobs/${second}`, 'second'],
          [`offshoot://jobs/${first}`, 'first'],
          [`offshoot://jobs/${first}/patch`, 'first.patch'],
        ],
      );
      await house.finish(second);
      await settled(second);
    });

    it('say of a job what codex_job_status says', async () => {
      const jobId = await delegate('looked at');
      const { text } = await contentsOf(`offshoot://jobs/${jobId}`);
      const said = JSON.parse(text ?? '');
      assert.equal(said.job_id, jobId);
      assert.equal(said.label, 'looked at');
      await house.finish(jobId);
      await settled(jobId);
    });

    it('hold a patch byte for byte, over as many pages as it takes', async () => {
      const latin = Buffer.from([0x2b, 0xe9, 0x0a]);
      const patch = Buffer.concat([
        Buffer.from('+ein Wörtchen\n'.repeat(5_000)),
        ...Array.from({ length: 10_000 }, () => latin),
      ]);
      const jobId = await delegate('large');
      await house.finish(jobId, patch);
      await settled(jobId);
      const pages: Buffer[] = [];
      let uri: string | null = `offshoot://jobs/${jobId}/patch`;
      while (uri !== null) {
        const { text, blob, _meta } = await contentsOf(uri);
        pages.push(blob === undefined ? Buffer.from(text ?? '') : Buffer.from(blob, 'base64'));
        uri = (_meta?.['offshoot/next_uri'] ?? null) as string | null;
      }
      assert.ok(pages.length > 1);
      assert.ok(Buffer.concat(pages).equals(patch));
    });

    it('are refused by what is wrong: a job that is not there, one without a patch yet, a cursor of another', async () => {
      const jobId = await delegate('unfinished');
      for (const [uri, code] of [
        [`offshoot://jobs/${'0'.repeat(32)}`, -32002],
        [`offshoot://jobs/${'0'.repeat(32)}/patch`, -32002],
        ['offshoot://jobs/a/b/c', -32002],
        ['file:///etc/passwd', -32002],
        [`offshoot://jobs/${jobId}/patch`, -32000],
      ] as const) {
        await assert.rejects(client.readResource({ uri }), { code }, uri);
      }
      await house.finish(jobId);
      await settled(jobId);
      await assert.rejects(client.readResource({ uri: `offshoot://jobs/${jobId}/patch?cursor=abc` }), {
        code: -32602,
      });
      await assert.rejects(client.listResources({ cursor: 'abc' }), { code: -32602 });
    });

    it('have templates, whose id is completed from the jobs there are', async () => {
      const { resourceTemplates } = await client.listResourceTemplates();
      assert.deepEqual(
        resourceTemplates.map(({ uriTemplate }) => uriTemplate),
        ['offshoot://jobs/{id}', 'offshoot://jobs/{id}/patch{?cursor}'],
      );
      const jobId = await delegate('completed');
      const complete = (value: string) =>
        client.complete({
          ref: { type: 'ref/resource', uri: 'offshoot://jobs/{id}' },
          argument: { name: 'id', value },
        });
      assert.deepEqual((await complete(jobId.slice(0, 12))).completion.values, [jobId]);
      assert.deepEqual((await complete('no such id')).completion.values, []);
      await house.finish(jobId);
      await settled(jobId);
    });

    it('tell their subscribers of each transition, and nobody after they unsubscribe', async () => {
      const heard: string[] = [];
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
        heard.push(params.uri);
      });
      const jobId = await delegate('watched');
      const uri = `offshoot://jobs/${jobId}`;
      const running = await house.pool.next('run', jobId);
      await client.subscribeResource({ uri });
      await client.subscribeResource({ uri: `${uri}/patch` });
      await client.subscribeResource({ uri: 'test://anything' });
      for (let events = 1; events <= 50; events += 1) {
        running.progress({ events, lastEventAt: 0, activity: 'thinking', usage: null });
      }
      await house.finish(jobId);
      await until(() => heard.includes(`${uri}/patch`));
      assert.ok(heard.filter((each) => each === uri).length >= 1);
      // Of what an agent does in between nobody hears: progress is for that.
      assert.ok(heard.length <= 4, heard.join());
      await client.unsubscribeResource({ uri });
      await client.unsubscribeResource({ uri: `${uri}/patch` });
      heard.splice(0);
      const other = await delegate('not watched');
      await client.subscribeResource({ uri: `offshoot://jobs/${other}` });
      await client.unsubscribeResource({ uri: `offshoot://jobs/${other}` });
      await house.finish(other);
      await settled(other);
      assert.deepEqual(heard, []);
    });

    it('may be subscribed to a thousand times in a session, and no more', async () => {
      const greedy = await way.connect();
      // Each is a connection of its own over HTTP, and the system's line of those that wait is not that long.
      for (let first = 0; first < 1_000; first += 50) {
        const uris = Array.from({ length: 50 }, (_, index) => `test://${first + index}`);
        await Promise.all(uris.map((uri) => greedy.subscribeResource({ uri })));
      }
      await greedy.subscribeResource({ uri: 'test://0' });
      await assert.rejects(greedy.subscribeResource({ uri: 'test://one-more' }), { code: -32602 });
      await greedy.unsubscribeResource({ uri: 'test://0' });
      await greedy.subscribeResource({ uri: 'test://one-more' });
      await greedy.close();
    });

    it('go with progress: a call that waits tells what its job does, at most every second', async () => {
      const jobId = await delegate('noisy');
      const running = await house.pool.next('run', jobId);
      const heard: string[] = [];
      const tell = () =>
        running.progress({ events: 7, lastEventAt: 0, activity: 'reading a.txt', usage: null });
      tell();
      const wait = client.callTool(
        { name: 'codex_job_wait', arguments: { job_ids: [jobId], timeout_seconds: 20 } },
        undefined,
        {
          onprogress: ({ message }) => {
            heard.push(message ?? '');
            if (heard.length === 1) void house.finish(jobId);
          },
        },
      );
      const talk = setInterval(tell, 5);
      const { structuredContent } = await wait;
      clearInterval(talk);
      assert.equal((structuredContent as { timed_out: boolean }).timed_out, false);
      assert.equal(heard[0], 'noisy: running, reading a.txt (7 events)');
      assert.ok(heard.length <= 2, heard.join());
    });
  });
}
