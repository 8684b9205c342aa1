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

/**
 * A flag for each property of an operation's input, but for those that the command takes another way. Operations
 * that refer to the fields of another one, to be short, have them told by `told`.
 */
export function flagsOf(input: z.ZodType, leaveOut: readonly string[], told = input): Flag[] {
  const descriptions = propertiesOf(told);
  return Object.entries(propertiesOf(input))
    .filter(([key]) => !leaveOut.includes(key))
    .map(([key, property]) => ({
      name: key.replaceAll('_', '-'),
      key,
      ...(key === 'workspace_root'
        ? directory
        : { kind: kindOf(property), placeholder: placeholderOf(property) }),
      description: describe({
        ...property,
        description: descriptions[key]?.description ?? property.description ?? '',
      }),
    }));
}

function propertiesOf(input: z.ZodType): Record<string, Property> {
  const schema = z.toJSONSchema(input, { io: 'input' }) as { properties?: Record<string, Property> };
  return schema.properties ?? {};
}

/** Operations take absolute paths; in a shell a path is seen from where one is. */
const directory = { kind: 'directory', placeholder: 'DIR' } as const;

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
    preset === undefined || preset === false || preset === '' ? [] : [`default ${String(preset)}`],
  ].flat();
  return facts.length === 0 ? description : `${description} (${facts.join('; ')})`;
}
