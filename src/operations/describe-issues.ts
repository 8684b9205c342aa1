import { z } from 'zod';
import { counted } from '../counted.js';
import { nearest } from '../nearest.js';

export interface FieldProblem {
  field: string;
  reason: string;
}

const MAXIMUM_PROBLEMS = 20;
const LONGEST_NAME = 128;
const CONTROL_CHARACTERS = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u;

/**
 * Tells which fields of an input do not fit its schema and why, a sentence or two each, and never a value. Names that
 * the caller made up are cut at 128 characters, and withheld when they hold control characters.
 */
export function describeIssues(
  schema: z.ZodType,
  input: unknown,
  issues: readonly z.core.$ZodIssue[],
): FieldProblem[] {
  return issues
    .flatMap((issue) => {
      if (issue.code === 'unrecognized_keys')
        return issue.keys.slice(0, MAXIMUM_PROBLEMS).map((key) => unknownField(schema, issue.path, key));
      return [{ field: nameOf(issue.path), reason: reasonOf(issue, schema, input) }];
    })
    .slice(0, MAXIMUM_PROBLEMS);
}

function unknownField(schema: z.ZodType, path: readonly PropertyKey[], key: string): FieldProblem {
  const place = fieldAt(schema, path);
  const meant = place instanceof z.ZodObject ? nearest(key, Object.keys(place.shape)) : null;
  return {
    field: nameOf([...path, key]),
    reason: `There is no such argument${meant === null ? '' : `; the nearest is ${meant}`}.`,
  };
}

function reasonOf(issue: z.core.$ZodIssue, schema: z.ZodType, input: unknown): string {
  if (issue.code === 'invalid_type' && isMissing(issue, input)) {
    const purpose = fieldAt(schema, issue.path)?.description;
    return purpose === undefined ? 'It is missing.' : `It is missing. ${firstSentence(purpose)}`;
  }
  switch (issue.code) {
    case 'invalid_type':
      return `It must be ${nounOf(issue.expected)}.`;
    case 'invalid_value':
      return `It must be one of: ${issue.values.map(String).join(', ')}.`;
    case 'too_small':
      return limitOf(issue.origin, 'at least', issue.minimum);
    case 'too_big':
      return limitOf(issue.origin, 'at most', issue.maximum);
    default:
      return issue.message;
  }
}

const isMissing = ({ path }: z.core.$ZodIssue, input: unknown): boolean =>
  path.length > 0 && valueAt(input, path) === undefined;

function limitOf(origin: string, words: string, bound: number | bigint): string {
  if (origin === 'string') return `It must have ${words} ${counted(Number(bound), 'character')}.`;
  if (origin === 'array')
    return `It must have ${words} ${bound} ${Number(bound) === 1 ? 'entry' : 'entries'}.`;
  return `It must be ${words} ${bound}.`;
}

const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key],
    input,
  );

/** The field that a path leads to, through objects and lists. */
function fieldAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return schema;
  let within: unknown;
  if (schema instanceof z.ZodObject) within = schema.shape[String(key)];
  if (schema instanceof z.ZodArray) within = schema.element;
  return within instanceof z.ZodType ? fieldAt(within, rest) : undefined;
}

const nounOf = (type: string): string => {
  if (type === 'int') return 'a whole number';
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
};

const firstSentence = (text: string): string => /^.*?\.(?= |$)/s.exec(text)?.[0] ?? text;

function nameOf(path: readonly PropertyKey[]): string {
  const name = path.map(String).join('.');
  if (name === '') return 'arguments';
  return CONTROL_CHARACTERS.test(name) ? '(name withheld)' : name.slice(0, LONGEST_NAME);
}
