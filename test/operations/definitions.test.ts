import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorTable } from '../../src/errors.js';
import { instructions } from '../../src/mcp/instructions.js';
import { renderTools } from '../../src/mcp/render-tools.js';
import { operations } from '../../src/operations/index.js';

interface Schema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  enum?: unknown[];
  additionalProperties?: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  maxItems?: number;
  pattern?: string;
}

const tools = renderTools(operations);
const names = tools.map(({ name }) => name);

/** Every property of an input, at whatever depth, by its path. */
function propertiesOf(schema: Schema, path = ''): [path: string, schema: Schema][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
    [`${path}${name}`, property] as [string, Schema],
    ...propertiesOf(property, `${path}${name}.`),
    ...propertiesOf(property.items ?? {}, `${path}${name}[].`),
  ]);
}

/** Whether the schema alone tells how much a value may be. */
function isBounded({ type, items, ...schema }: Schema): boolean {
  if (schema.enum !== undefined || type === 'boolean') return true;
  if (type === 'integer') return schema.minimum !== undefined && schema.maximum !== undefined;
  if (type === 'array') return schema.maxItems !== undefined && isBounded(items ?? {});
  if (type === 'object') return schema.additionalProperties === false;
  return schema.maxLength !== undefined || /\{\d+,\d+\}\$$/.test(schema.pattern ?? '');
}

/** What nobody could keep: Codex reads what the user can read, and the model hears of it. */
const forbidden =
  /only (reads|writes) in|nothing leaves|never leaves|cannot read|all secrets|guarantee|always safe|completely|fully isolated/i;
/** What a tool that changes nothing does. */
const reading = /^(Reads|Waits|Lists)\b/;
/** Words that claim a place before the tools of others. */
const pushy = /\b(always call|call this first|must be called|most important|prefer this)\b/i;

/** Tools that do alike may say so alike, in few words. */
const LONG = 100;

describe('the definition of each tool', () => {
  for (const { name, title = '', description = '', inputSchema, annotations = {} } of tools) {
    const [first = ''] = description.split(/(?<=\.) (?=[A-Z])/);

    it(`${name} says in its first sentence what it does and to what, unlike any other`, () => {
      assert.match(first, /^[A-Z][a-z]+s\b.{25,}\.$/, 'a verb, and what it is about');
      assert.notEqual(first.toLowerCase(), title.toLowerCase());
      const same = tools.filter((tool) => tool.description?.startsWith(first));
      assert.equal(same.length, 1);
    });

    it(`${name} says when to use it, and names the tool for other cases`, () => {
      assert.match(description, /\bUse it\b/);
      const siblings = names.filter(
        (other) => other !== name && new RegExp(`\\b${other}\\b`).test(description),
      );
      assert.ok(siblings.length > 0);
      const named = description.match(/\bcodex_\w+/g) ?? [];
      assert.deepEqual(
        named.filter((word) => !names.includes(word) && !(word in errorTable)),
        [],
      );
    });

    it(`${name} promises nothing that cannot be kept, and claims no place before others`, () => {
      assert.doesNotMatch(description, forbidden);
      assert.doesNotMatch(description, pushy);
    });

    it(`${name} describes each parameter, with its bounds in the schema`, () => {
      for (const [path, property] of propertiesOf(inputSchema as Schema)) {
        assert.ok((property.description ?? '').length >= 5, `${path} is not described`);
        assert.ok(isBounded(property), `${path} has no bounds`);
      }
    });

    it(`${name} has all four annotations, and they fit what it says`, () => {
      const { readOnlyHint, destructiveHint, idempotentHint, openWorldHint } = annotations;
      for (const hint of [readOnlyHint, destructiveHint, idempotentHint, openWorldHint]) {
        assert.equal(typeof hint, 'boolean');
      }
      assert.equal(readOnlyHint, reading.test(first) && !/\bdeletes\b/.test(first));
      if (readOnlyHint) assert.deepEqual([destructiveHint, idempotentHint], [false, true]);
      assert.equal(destructiveHint, /\b(deletes|[Ee]nds one job)\b/.test(first));
    });

    it(`${name} repeats no sentence of its own or of another tool`, () => {
      const sentences = description.split(/(?<=\.) (?=[A-Z])/);
      const others = tools.filter((tool) => tool.name !== name).map((tool) => tool.description ?? '');
      const repeated = sentences.filter(
        (sentence) => sentence.length > LONG && others.some((other) => other.includes(sentence)),
      );
      assert.deepEqual(repeated, []);
      assert.equal(new Set(sentences).size, sentences.length);
    });
  }

  it('is one of at most 16, and all together are under 36,000 bytes', () => {
    assert.ok(tools.length <= 16);
    assert.ok(Buffer.byteLength(JSON.stringify({ tools })) < 36_000);
  });
});

describe('the instructions of the server', () => {
  it('are short, name only tools that there are, and promise nothing that cannot be kept', () => {
    assert.ok(instructions.length < 1_800);
    assert.deepEqual(
      (instructions.match(/\bcodex_\w+/g) ?? []).filter((tool) => !names.includes(tool)),
      [],
    );
    assert.doesNotMatch(instructions, forbidden);
  });
});
