import type { z } from 'zod';

export interface FieldProblem {
  field: string;
  reason: string;
}

const MAXIMUM_PROBLEMS = 20;
const LONGEST_NAME = 128;
const CONTROL_CHARACTERS = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u;

/**
 * Tells which fields do not fit and why: their names and the schema's own words, never a value. Names that the
 * caller made up are cut at 128 characters, and withheld when they hold control characters.
 */
export function describeIssues(issues: readonly z.core.$ZodIssue[]): FieldProblem[] {
  return issues.flatMap(describeIssue).slice(0, MAXIMUM_PROBLEMS);
}

function describeIssue(issue: z.core.$ZodIssue): FieldProblem[] {
  if (issue.code !== 'unrecognized_keys') return [{ field: nameOf(issue.path), reason: issue.message }];
  return issue.keys
    .slice(0, MAXIMUM_PROBLEMS)
    .map((key) => ({ field: nameOf([...issue.path, key]), reason: 'There is no such argument.' }));
}

function nameOf(path: readonly PropertyKey[]): string {
  const name = path.map(String).join('.');
  if (name === '') return 'arguments';
  return CONTROL_CHARACTERS.test(name) ? '(name withheld)' : name.slice(0, LONGEST_NAME);
}
