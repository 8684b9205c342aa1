import { z } from 'zod';
import type { Flag } from './command.js';

interface Property {
  type?: string;
  description?: string;
  enum?: readonly string[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
}

/** A flag for each property of an operation's input, but for those that the command takes another way. */
export function flagsOf(input: z.ZodType, leaveOut: readonly string[]): Flag[] {
  const schema = z.toJSONSchema(input, { io: 'input' }) as { properties?: Record<string, Property> };
  return Object.entries(schema.properties ?? {})
    .filter(([key]) => !leaveOut.includes(key))
    .map(([key, property]) => ({
      name: key.replaceAll('_', '-'),
      key,
      kind: kindOf(property),
      placeholder: placeholderOf(property),
      description: describe(property),
    }));
}

const kindOf = ({ type }: Property): Flag['kind'] =>
  type === 'integer' ? 'number' : type === 'boolean' ? 'switch' : type === 'array' ? 'list' : 'text';

function placeholderOf({ type, enum: choices }: Property): string {
  if (choices !== undefined && choices.length < 5) return choices.join('|');
  if (type === 'boolean') return '';
  return type === 'integer' ? 'N' : 'TEXT';
}

function describe({ description = '', enum: choices, default: preset, minimum, maximum }: Property): string {
  const facts = [
    choices === undefined || choices.length < 5 ? [] : [`one of ${choices.join(', ')}`],
    minimum === undefined || maximum === undefined ? [] : [`${minimum} to ${maximum}`],
    preset === undefined || preset === false ? [] : [`default ${String(preset)}`],
  ].flat();
  return facts.length === 0 ? description : `${description} (${facts.join('; ')})`;
}
