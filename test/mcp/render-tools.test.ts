import assert from 'node:assert/strict';
import { after, before, describe, it, test } from 'node:test';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv-provider.js';
import { z } from 'zod';
import { envelope, refuse, succeed } from '../../src/errors.js';
import { renderTools } from '../../src/mcp/render-tools.js';
import { mcpService } from '../../src/mcp/serve-mcp.js';
import { operations } from '../../src/operations/index.js';
import { defineOperation } from '../../src/operations/operation.js';
import { connectOverHttp, type HttpServed, serveOverHttp } from '../support/http.js';
import { type McpHouse, makeMcpHouse } from '../support/mcp-house.js';
import { statelessOverHttp } from '../support/stateless-client.js';

const annotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};
const count = defineOperation({
  tool: 'count',
  command: 'count',
  title: 'Count',
  description: 'Counts.',
  annotations,
  input: z.strictObject({ from: z.number().int().default(1).describe('First number.') }),
  output: z.object({ ok: z.literal(true), numbers: z.array(z.object({ value: z.number().int() })) }),
  handle: async () => succeed({ ok: true as const, numbers: [] }),
});

test('an operation becomes a tool with small, strict schemas', () => {
  assert.deepEqual(renderTools([count]), [
    {
      name: 'count',
      title: 'Count',
      description: 'Counts.',
      annotations,
      inputSchema: {
        type: 'object',
        properties: { from: { type: 'integer', default: 1, description: 'First number.' } },
        additionalProperties: false,
      },
      outputSchema: {
        type: 'object',
        properties: {
          error: { type: ['object', 'null'] },
          ok: { type: 'boolean' },
          numbers: { type: 'array', items: { type: 'object' } },
        },
        required: ['ok'],
      },
    },
  ]);
});

test('the schema of answers fits successes and refusals, and nothing else', () => {
  const [tool] = renderTools([count]);
  const validate = new AjvJsonSchemaValidator().getValidator(tool?.outputSchema as never);
  assert.ok(validate({ ok: true, numbers: [{ value: 1 }] }).valid);
  assert.ok(validate(envelope(refuse('queue_full').fault)).valid);
  assert.ok(!validate({ numbers: [] }).valid);
  assert.ok(!validate({ ok: true, numbers: 'none' }).valid);
  assert.ok(!validate({ ok: false, error: 'no' }).valid);
});

describe('the tools of the product', () => {
  let house: McpHouse;
  let served: HttpServed;
  before(async () => {
    house = await makeMcpHouse();
    served = await serveOverHttp({ stateDir: house.stateDir, mcp: mcpService(house.service) });
  });
  after(async () => {
    await served.close();
    await house.remove();
  });

  it('are listed in less than 36,000 bytes, in either era', async () => {
    const { client } = await connectOverHttp(served);
    const lists = [
      await client.listTools(),
      (await statelessOverHttp(served).ask('tools/list')).result as { tools: unknown[] },
    ];
    for (const list of lists) {
      assert.equal(list.tools.length, operations.length);
      assert.ok(Buffer.byteLength(JSON.stringify(list)) < 36_000);
    }
    await client.close();
  });

  it("answer what they say they do, as the SDK's client checks it, for a job from its start to its end", async () => {
    const { client } = await connectOverHttp(served);
    await client.listTools();
    const call = async (name: string, input: object) => {
      const answer = await client.callTool({ name, arguments: { ...input } });
      const content = answer.structuredContent as Record<string, unknown>;
      assert.equal(content.ok, true, JSON.stringify(content));
      return content;
    };
    const work = { task: 'work', workspace_root: house.repository };
    const { job_id } = await call('codex_delegate_async', { ...work, idempotency_key: 'once' });
    await call('codex_job_status', { job_id });
    await house.finish(String(job_id));
    await call('codex_job_wait', { job_ids: [job_id] });
    await call('codex_job_status', { job_id });
    await call('codex_job_list', {});
    await call('codex_job_result', { job_id, detail: 'full' });
    await call('codex_delegate', { ...work, idempotency_key: 'once' });
    await call('codex_job_cancel', { job_id });
    await call('codex_job_consume_result', { job_id });
    await call('codex_delegate_batch', { tasks: [{ task: 'work' }], workspace_root: house.repository });
    await call('codex_job_cancel', { label: 'none' });
    await call('codex_status', {});
    await client.close();
  });
});
