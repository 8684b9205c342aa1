import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { describeIssues } from '../../src/operations/describe-issues.js';
import { operations } from '../../src/operations/index.js';

const schema = z.strictObject({
  job_id: z
    .string()
    .regex(/^[a-z]+$/, 'It must be in small letters.')
    .describe('Id of the job. It is in the answer.'),
  tasks: z.array(z.strictObject({ task: z.string().min(2).max(3).describe('What to do') })).max(3),
  status: z.enum(['queued', 'done']).optional(),
  label: z.string().min(1).optional(),
  limit: z.number().int().min(1).max(5).optional(),
});

function problems(input: unknown): Record<string, string> {
  const parsed = schema.safeParse(input);
  assert.ok(!parsed.success);
  const found = describeIssues(schema, input, parsed.error.issues);
  return Object.fromEntries(found.map(({ field, reason }) => [field, reason]));
}

describe('arguments that do not fit', () => {
  it('are told as missing, with what they are for', () => {
    assert.deepEqual(problems({}), {
      job_id: 'It is missing. Id of the job.',
      tasks: 'It is missing.',
    });
    assert.deepEqual(problems({ job_id: 'a', tasks: [{}] }), { 'tasks.0.task': 'It is missing. What to do' });
  });

  it('are told as of the wrong kind, form or size, and as none of ours', () => {
    assert.deepEqual(
      problems({ job_id: null, tasks: [7, { task: 'long' }, { task: '' }], label: '', limit: 0.5 }),
      {
        job_id: 'It must be a string.',
        'tasks.0': 'It must be an object.',
        'tasks.1.task': 'It must have at most 3 characters.',
        'tasks.2.task': 'It must have at least 2 characters.',
        label: 'It must have at least 1 character.',
        limit: 'It must be a whole number.',
      },
    );
    assert.deepEqual(
      problems({ job_id: '1', tasks: [1, 1, 1, 1], status: 'secret', limit: 9, other: 'secret' }),
      {
        job_id: 'It must be in small letters.',
        tasks: 'It must have at most 3 entries.',
        status: 'It must be one of: queued, done.',
        limit: 'It must be at most 5.',
        other: 'There is no such argument.',
      },
    );
    assert.deepEqual(problems({ job_ids: 'secret', tasks: [{ taks: 'a' }], job_id: 'a' }), {
      'tasks.0.task': 'It is missing. What to do',
      'tasks.0.taks': 'There is no such argument; the nearest is task.',
      job_ids: 'There is no such argument; the nearest is job_id.',
    });
    assert.deepEqual(problems([]), { arguments: 'It must be an object.' });
  });

  it('are told in words where an operation wants them in a form', () => {
    const told = operations.flatMap(({ input }) => {
      const given = Object.fromEntries(Object.keys((input as z.ZodObject).shape).map((key) => [key, '-\n']));
      const issues = input.safeParse(given).error?.issues ?? [];
      return describeIssues(
        input,
        given,
        issues.filter(({ code }) => code === 'invalid_format'),
      );
    });
    assert.ok(told.length > 20);
    for (const { field, reason } of told) assert.match(reason, /^It must [^/]+\.$/, field);
    assert.deepEqual(
      new Set(told.filter(({ field }) => field === 'label').map(({ reason }) => reason)).size,
      1,
    );
  });

  it('have a purpose wherever an operation cannot do without them', () => {
    for (const { tool, input } of operations) {
      const parsed = input.safeParse({});
      const found = parsed.success ? [] : describeIssues(input, {}, parsed.error.issues);
      for (const { field, reason } of found)
        assert.match(reason, /^It is missing\. \S.{15,}\.$/, `${tool} ${field}`);
    }
  });
});
