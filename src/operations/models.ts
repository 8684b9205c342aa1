import { z } from 'zod';
import { succeed } from '../errors.js';
import { defineOperation } from './operation.js';

const output = z.object({
  ok: z.literal(true),
  model: z.string().nullable().describe('Of a job that names none.'),
  reasoning_effort: z.string().nullable(),
  models: z.array(
    z.object({
      model: z.string(),
      name: z.string(),
      description: z.string(),
      efforts: z.array(z.string()),
      default_effort: z.string(),
    }),
  ),
});

export const models = defineOperation({
  tool: 'codex_models',
  command: 'models',
  title: 'List the models of Codex',
  description:
    'Reads which models this Codex CLI offers the user, with their reasoning efforts, and what a job gets that names none. ' +
    'Use it before passing model or reasoning_effort to codex_delegate_async; whether jobs can run at all tells codex_status. ' +
    "A provider of the user's own may know other models than this catalogue. " +
    "Codex may ask the account's server for it; no model is asked and nothing is spent. " +
    'An answer is up to a minute old; without Codex it refuses with codex_not_found.',
  input: z.strictObject({}),
  output,
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  async handle(_, { house }) {
    const account = await house.account();
    if (!account.ok) return account;
    const { model, effort, models: offered } = account.value;
    return succeed({
      ok: true as const,
      model,
      reasoning_effort: effort,
      models: offered.map(({ defaultEffort, ...each }) => ({ ...each, default_effort: defaultEffort })),
    });
  },
});
