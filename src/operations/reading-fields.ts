import { posix } from 'node:path';
import { z } from 'zod';
import { type Outcome, succeed } from '../errors.js';
import { reviewScopes } from '../job/record.js';
import { longestWait } from './answer-in-time.js';
import { delegateFields, MAX_TASK_BYTES, type Work, word } from './fields.js';
import { invalidArgument } from './invalid-argument.js';

/** Input of the verbs whose agent only reads, and the work that it stands for. */

/**
 * Described more briefly than for a delegation: every client pays for each word, in four tools. The verbs that
 * wait leave out what few calls need.
 */
const { workspace_root, model, reasoning_effort, isolation, label, idempotency_key } = delegateFields;
const shared = {
  model: model.describe('Model; the configured one unless given.'),
  reasoning_effort: reasoning_effort.describe('Such as low or high.'),
  isolation: isolation.describe('As codex_delegate_async.'),
  label: label.describe('Short name for lists.'),
  idempotency_key: idempotency_key.describe('A call repeated with it answers the first job.'),
};

const consultFields = {
  question: z
    .string()
    .min(1)
    .meta({ maxLength: MAX_TASK_BYTES })
    .describe('The whole question: Codex knows the repository and this only.'),
  workspace_root: z
    .string()
    .min(1)
    .max(4_096)
    .nullable()
    .optional()
    .describe("Absolute directory in the repository; the client's unless given. null: no repository."),
  ...shared,
};

const MOST_PATHS = 100;

const reviewFields = {
  scope: z
    .enum(reviewScopes)
    .default('working_tree')
    .describe('What is not committed; commits since HEAD left ref; the commit ref.'),
  ref: word(255).optional().describe('Branch or commit, for the scopes branch and commit.'),
  paths: z
    .array(z.string().min(1).max(1_024))
    .max(MOST_PATHS)
    .default([])
    .describe('Only changes in these, relative to workspace_root.'),
  include_untracked: z.boolean().default(true).describe('Untracked files too, with scope working_tree.'),
  instructions: z
    .string()
    .meta({ maxLength: MAX_TASK_BYTES })
    .default('')
    .describe('What to look at above all.'),
  workspace_root: workspace_root.describe("Absolute directory in the repository; the client's unless given."),
  ...shared,
};

export const consultInput = z.strictObject(consultFields);
export const reviewInput = z.strictObject(reviewFields);

/** What few calls need is left out where the caller waits. */
const untold = { model: true, reasoning_effort: true, isolation: true, label: true } as const;
export const waitingConsultInput = consultInput.omit(untold).extend({ timeout_seconds: longestWait });
export const waitingReviewInput = reviewInput
  .omit({ ...untold, include_untracked: true })
  .extend({ timeout_seconds: longestWait });

type ConsultInput = z.infer<typeof consultInput>;
type ReviewInput = z.infer<typeof reviewInput>;

/** What these verbs answer is advertised by codex_delegate_async, codex_delegate and codex_job_result. */
export const advertisedElsewhere = z.looseObject({ ok: z.boolean() });

const NO_PRIORITY = 0;

/** A question is answered from all that the caller has, untracked files too. */
export const consultWork = ({ question, ...work }: ConsultInput): Work => ({
  ...work,
  kind: 'consult',
  review: null,
  task: question,
  include_untracked: true,
  priority: NO_PRIORITY,
});

/** Refuses fields that do not go together, and paths that leave the workspace. */
export function reviewWork(input: ReviewInput): Outcome<Work> {
  const { scope, ref, paths, instructions, include_untracked, ...work } = input;
  if ((scope === 'working_tree') === (ref !== undefined))
    return invalidArgument('ref', 'It goes with the scopes branch and commit, and only with them.');
  const places = paths.map((path) => posix.normalize(path));
  if (places.some((path) => path.startsWith('/') || path.split('/').includes('..') || path.includes('\0')))
    return invalidArgument('paths', 'They must be relative and stay inside of workspace_root.');
  return succeed({
    ...work,
    kind: 'review',
    review: { scope, ref: ref ?? null, paths: places },
    task: instructions,
    ...(scope === 'commit' && { base_ref: ref }),
    include_untracked: include_untracked && scope === 'working_tree',
    priority: NO_PRIORITY,
  });
}
