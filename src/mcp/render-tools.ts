import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { Operation } from '../operations/operation.js';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Operations as the tools of `tools/list`. Schemas stay small: every client's model pays for each word. */
export function renderTools(operations: readonly Operation[]): Tool[] {
  return operations.map(({ tool, title, description, input, output, annotations }) => ({
    name: tool,
    title,
    description,
    inputSchema: renderInput(input),
    outputSchema: renderAnswer(output),
    annotations,
  }));
}

function renderInput(input: z.ZodType): Tool['inputSchema'] {
  const schema = toJsonSchema(input, 'input');
  const properties = Object.entries(schema.properties ?? {});
  const advertised = properties.filter(([, property]) => (property as Property).unadvertised !== true);
  return { ...schema, properties: Object.fromEntries(advertised) } as Tool['inputSchema'];
}

type Property = JsonSchema & { unadvertised?: boolean };

/**
 * An answer of the operation, or a refusal: clients check the content of either. That an answer has all that is told
 * of it need not be said, so one object stands for both. `error` is that of a refusal, or null where an answer has more
 * than is told of it, unless the answer tells its own.
 */
function renderAnswer(output: z.ZodType): NonNullable<Tool['outputSchema']> {
  const { properties } = toJsonSchema(output, 'output');
  return {
    type: 'object',
    properties: { error: { type: ['object', 'null'] }, ...properties, ok: { type: 'boolean' } },
    required: ['ok'],
  } as NonNullable<Tool['outputSchema']>;
}

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rendered } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema, path }) => {
      shorten(jsonSchema, io);
      // What the members of an answer hold is seen in the answer.
      if (io === 'output' && path.length > 0) delete jsonSchema.properties;
    },
  });
  return rendered;
}

/** Leaves out what says nothing: the bounds of any integer, and, in answers, much that nobody has to be told. */
function shorten(schema: JsonSchema, io: 'input' | 'output'): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  // That a text is not empty goes without saying.
  if (schema.minLength === 1) delete schema.minLength;
  // Beside a length, a pattern only keeps control characters out, and what looks like an option.
  if (schema.maxLength !== undefined) delete schema.pattern;
  foldNull(schema);
  if (io === 'input') return;
  const others = schema.additionalProperties;
  if (others === false || (typeof others === 'object' && Object.keys(others).length === 0))
    delete schema.additionalProperties;
  delete schema.required;
  // Names of members are strings, and the values that are listed have their types.
  delete schema.propertyNames;
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
