import fc from 'fast-check';
import { z } from 'zod';
import type { Operation } from '../../src/operations/operation.js';

/** Stands in every made-up value, so that a value that comes back is known as one. */
export const MARK = 'VALUE-THAT-MUST-NOT-COME-BACK';

interface Schema {
  type?: string;
  enum?: string[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  minItems?: number;
  properties?: Record<string, Schema>;
  required?: string[];
}

const deep = (depth: number) => `${'['.repeat(depth)}1${']'.repeat(depth)}`;

/** JSON text of values that have broken programs before. */
const corpus: readonly string[] = [
  'null',
  'true',
  '""',
  '[]',
  '{}',
  '-0',
  '1e999',
  '-1e999',
  '9007199254740993',
  '123456789012345678901234567890',
  '0.1',
  `"${MARK}"`,
  `"${MARK}\\u0000"`,
  `"\\u0000${MARK}"`,
  `"${MARK}\\ud800"`,
  `"\\udc00${MARK}"`,
  `"${MARK}\\u202e\\u2066"`,
  `"${MARK}\\u001b[2J\\u0007"`,
  `"${MARK}\\r\\nContent-Length: 0"`,
  `"../../../../${MARK}"`,
  `"/proc/self/root/${MARK}"`,
  `"/${MARK}"`,
  `"~/${MARK}"`,
  `"file:///${MARK}"`,
  `"--upload-pack=${MARK}"`,
  `"-${MARK}"`,
  `"$(${MARK})\`${MARK}\`;${MARK}"`,
  `"%00${MARK}"`,
  '"NaN"',
  '"Infinity"',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  `{"__proto__":{"ok":true,"${'x'.repeat(20)}":"${MARK}"}}`,
  `{"constructor":{"prototype":{"polluted":"${MARK}"}}}`,
  `{"toJSON":"${MARK}","length":-1}`,
  `["${MARK}",["${MARK}"]]`,
  deep(5_000),
  `"${MARK}${'🙂'.repeat(5_000)}"`,
  `"${MARK}${'a'.repeat(300_000)}"`,
];

/** Names that no operation has, some of which every object has. */
const strangeNames = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  '\u202ename',
  'x'.repeat(10_000),
];

/** JSON text of a value that the schema allows. */
function fitting(schema: Schema): fc.Arbitrary<string> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum).map(quote);
  if (schema.type === 'integer' || schema.type === 'number')
    return fc
      .integer({ min: Math.max(schema.minimum ?? 0, 0), max: Math.min(schema.maximum ?? 100, 1_000) })
      .map(String);
  if (schema.type === 'boolean') return fc.boolean().map(String);
  if (schema.type === 'array')
    return fc
      .array(fitting(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: 5 })
      .map((items) => `[${items.join()}]`);
  if (schema.pattern !== undefined)
    return fc.stringMatching(new RegExp(schema.pattern), { maxLength: schema.maxLength ?? 100 }).map(quote);
  return fc.string({ unit: 'binary', minLength: schema.minLength ?? 0, maxLength: 40 }).map(quote);
}

const quote = (text: string) => JSON.stringify(text);

/** JSON text of a value that may or may not fit. */
const value = (schema: Schema): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 3, arbitrary: fitting(schema) },
    { weight: 3, arbitrary: fc.constantFrom(...corpus) },
    { weight: 1, arbitrary: fc.jsonValue({ depthSize: 'small' }).map((any) => JSON.stringify(any)) },
  );

/** JSON text of arguments for an operation: its own fields, each fitting or not, and now and then others. */
export function argumentsFor(operation: Operation): fc.Arbitrary<string> {
  const { properties = {}, required = [] } = z.toJSONSchema(operation.input, { io: 'input' }) as Schema;
  const member = ([name, schema]: [string, Schema]) =>
    fc.oneof(
      {
        weight: required.includes(name) ? 8 : 1,
        arbitrary: value(schema).map((text) => `${quote(name)}:${text}`),
      },
      { weight: 1, arbitrary: fc.constant(null) },
    );
  const stranger = fc
    .tuple(fc.constantFrom(...strangeNames), fc.constantFrom(...corpus))
    .map(([name, text]) => `${quote(name)}:${text}`);
  const members = fc.tuple(
    fc.tuple(...Object.entries(properties).map(member)),
    fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(stranger, { maxLength: 2 }) },
    ),
  );
  return fc.oneof(
    {
      weight: 9,
      arbitrary: members.map(
        ([own, strange]) => `{${[...own, ...strange].filter((one) => one !== null).join()}}`,
      ),
    },
    { weight: 1, arbitrary: fc.constantFrom(...corpus) },
  );
}
