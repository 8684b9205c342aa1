import { z } from 'zod';
import type { Submission } from '../job/record.js';

/** Input fields that several operations take. Their descriptions are what a client reads. */

/** What is passed on to programs as one word: no control character, and nothing that looks like an option. */
export const word = (maximum: number) =>
  z
    .string()
    .max(maximum)
    .regex(
      /^[^-\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$/,
      'It must not be empty, begin with a dash or hold control characters.',
    );

/** Ids are 32 hexadecimal digits; the wider alphabet lets a mistyped one be answered as `job_not_found`. */
export const jobId = z
  .string()
  .regex(/^[0-9A-Za-z_-]{1,64}$/, 'It must be the id of a job, 32 hexadecimal digits.')
  .describe('Id of the job, as returned when it was started.');

/** For callers that pass it to every tool: the id alone finds the job. */
export const anyWorkspace = z
  .string()
  .max(4_096)
  .nullable()
  .optional()
  .meta({ unadvertised: true, description: 'Accepted and ignored: the id alone finds the job.' });

export const workspaceRoot = z.string().min(1).max(4_096).optional();

export const label = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^\x00-\x1f\x7f-\x9f]*$/, 'It must not hold control characters.')
  .optional();

export const groupId = label;

export const MAX_TASK_BYTES = 200_000;

/** What defines the work of a job: the same for a call that waits and for one that does not. */
export const delegateFields = {
  task: z
    .string()
    .min(1)
    // Advertised here, checked in bytes by the pre-flight, which answers with a code of its own.
    .meta({ maxLength: MAX_TASK_BYTES })
    .describe(
      'What Codex shall do, in full: it sees the repository and this text only. At most 200,000 UTF-8 bytes.',
    ),
  workspace_root: workspaceRoot.describe(
    "Absolute path of a directory inside the git repository to work on; the client's first root, else its working directory, unless given.",
  ),
  model: word(200).optional().describe('Model; the configured one, else that of Codex, unless given.'),
  reasoning_effort: z
    .string()
    .regex(
      /^[A-Za-z0-9_-]{1,64}$/,
      'It must be one word of up to 64 letters, digits, dashes and underscores.',
    )
    .optional()
    .describe('Reasoning effort the model knows, such as low, medium or high.'),
  isolation: z
    .enum(['inherit', 'ignore-config', 'ignore-rules'])
    .default('inherit')
    .describe(
      "How much of the user's Codex settings counts: all, none of config.toml, or neither it nor the exec rules.",
    ),
  profile: z
    .string()
    .regex(
      /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/,
      'It must be one word of up to 64 letters, digits, dashes and underscores, and no dash first.',
    )
    .optional()
    .describe("Profile of the user's Codex, NAME.config.toml in its home; needs isolation inherit."),
  extra_args: z
    .array(z.string().max(200))
    .max(32)
    .optional()
    .describe('More Codex arguments: -c KEY=VALUE for settings of the answer, such as model_verbosity.'),
  continues: jobId
    .optional()
    .describe(
      'Id of an ended job to go on from, in its Codex thread and with its patch in place; the new patch holds both, from the same baseline.',
    ),
  base_ref: word(255)
    .optional()
    .describe('Branch, tag or commit to start from; HEAD with uncommitted tracked changes unless given.'),
  include_untracked: z
    .boolean()
    .default(false)
    .describe('Take untracked, not ignored files too, at most 64 MiB.'),
  deadline_seconds: z
    .number()
    .int()
    .min(1)
    .max(604_800)
    .optional()
    .describe('Longest run once the job left the queue; the configured limit unless given.'),
  priority: z
    .number()
    .int()
    .min(-10)
    .max(10)
    .default(0)
    .describe('Order among your own waiting jobs: higher first.'),
  group_id: groupId.describe('Name shared by jobs that belong together.'),
  label: label.describe('Short name to tell jobs apart in lists.'),
  idempotency_key: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      'Makes a repeated call answer the job of the first one; the same key needs the same arguments.',
    ),
};

const { task: _, ...shared } = delegateFields;

/**
 * The fields beside the task, for verbs that take the same. codex_delegate_async tells them in full; each word
 * more would be paid for by every client.
 */
export const sharedInShort = Object.fromEntries(
  Object.entries(shared).map(([name, field]) => [name, field.describe('As codex_delegate_async.')]),
) as unknown as typeof shared;

const delegateInput = z.strictObject(delegateFields);
export type DelegateInput = z.infer<typeof delegateInput>;

/** What a client asks for, of any kind. */
export interface Work extends Omit<DelegateInput, 'workspace_root'>, Pick<Submission, 'kind' | 'review'> {
  /** Null for no repository, which only a question can be about. */
  workspace_root?: string | null | undefined;
}
