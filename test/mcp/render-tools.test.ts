import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv-provider.js';
import { z } from 'zod';
import { envelope, refuse, succeed } from '../../src/errors.js';
import { renderTools } from '../../src/mcp/render-tools.js';
import { operations } from '../../src/operations/index.js';
import { defineOperation } from '../../src/operations/operation.js';

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
          error: { type: 'object' },
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

test('the list of all tools is under 36 KB', () => {
  assert.ok(Buffer.byteLength(JSON.stringify({ tools: renderTools(operations) })) < 36_000);
});
