import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { operations } from '../../src/operations/index.js';

interface Property {
  description?: string;
  type?: string;
  enum?: unknown[];
  items?: Property;
  properties?: Record<string, Property>;
  maxLength?: number;
  maximum?: number;
  maxItems?: number;
  pattern?: string;
  anyOf?: Property[];
}

const isBounded = (property: Property): boolean => {
  if (property.anyOf !== undefined) return property.anyOf.every(isBounded);
  if (property.enum !== undefined || ['boolean', 'null'].includes(property.type ?? '')) return true;
  if (property.type === 'array') return property.maxItems !== undefined && isBounded(property.items ?? {});
  if (property.properties !== undefined) {
    return Object.values(property.properties).every((inner) => inner.description && isBounded(inner));
  }
  if (property.type === 'integer')
    return (property.maximum ?? Number.MAX_SAFE_INTEGER) < Number.MAX_SAFE_INTEGER;
  return property.maxLength !== undefined || /\{\d+,\d+\}/.test(property.pattern ?? '');
};

describe('every operation', () => {
  for (const operation of operations) {
    const input = z.toJSONSchema(operation.input, { io: 'input' });
    const properties = Object.entries((input.properties ?? {}) as Record<string, Property>);

    it(`${operation.tool} takes a strict object whose properties are described and bounded`, () => {
      assert.equal(input.additionalProperties, false);
      for (const [name, property] of properties) {
        assert.match(name, /^[a-z]+(_[a-z]+)*$/);
        assert.ok(property.description, `${name} has no description`);
        assert.ok(isBounded(property), `${name} has no limit`);
      }
    });

    it(`${operation.tool} answers an object that begins with ok`, () => {
      const output = z.toJSONSchema(operation.output, { io: 'output' });
      assert.equal(output.type, 'object');
      assert.equal(Object.keys(output.properties ?? {})[0], 'ok');
    });

    it(`${operation.tool} is told in three to six sentences`, () => {
      const sentences = operation.description.split(/[.] (?=[A-Z])/).length;
      assert.ok(sentences >= 3 && sentences <= 6, `${sentences} sentences`);
      assert.ok(operation.description.length <= 1_000);
    });
  }

  it('has a tool name and a command of its own', () => {
    assert.equal(new Set(operations.map(({ tool }) => tool)).size, operations.length);
    assert.equal(new Set(operations.map(({ command }) => command)).size, operations.length);
  });
});
