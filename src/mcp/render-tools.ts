import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Operation } from '../operations/operation.js';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What a client reads when a call is refused: `ErrorEnvelope`, told as briefly as it can be checked. */
const refusal: JsonSchema = {
  type: 'object',
  properties: { ok: { const: false }, error: { type: 'object' } },
  required: ['ok', 'error'],
};

/** Operations as the tools of `tools/list`. Schemas stay small: every client's model pays for each word. */
export function renderTools(operations: readonly Operation[]): Tool[] {
  return operations.map(({ tool, title, description, input, output, annotations }) => ({
    name: tool,
    title,
    description,
    inputSchema: toJsonSchema(input, 'input') as Tool['inputSchema'],
    // Clients check the structured content of refusals against it as well.
    outputSchema: { type: 'object', anyOf: [toJsonSchema(output, 'output'), refusal] },
    annotations,
  }));
}

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rendered } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema }) => shorten(jsonSchema, io),
  });
  return rendered;
}

/** Leaves out what says nothing: the bounds of any integer, and, in answers, much that nobody has to be told. */
function shorten(schema: JsonSchema, io: 'input' | 'output'): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (io === 'input') return;
  if (schema.additionalProperties === false) delete schema.additionalProperties;
  // Names of members are strings, and the values that are listed have their types.
  delete schema.propertyNames;
  foldNull(schema);
  if (schema.enum !== undefined || schema.const !== undefined) delete schema.type;
}

/** Writes `anyOf` of one plain type and null as one schema with two types. */
function foldNull(schema: JsonSchema): void {
  const [plain, nothing, ...more] = schema.anyOf ?? [];
  if (plain === undefined || nothing?.type !== 'null' || more.length > 0) return;
  if (typeof plain.type !== 'string' && plain.enum === undefined) return;
  delete schema.anyOf;
  Object.assign(schema, plain, { type: [plain.type, 'null'] });
  if (plain.enum !== undefined) schema.enum = [...plain.enum, null];
}
