import { z } from 'zod';
import type { Settings } from '../config.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import type { Account, RateLimit } from './agent.js';
import { SWITCHED_OFF } from './codex-launch.js';
import { inPrivateHome } from './codex-private-home.js';
import { askAppServer } from './codex-questions.js';

const QUESTIONS = [
  { method: 'model/list', params: {} },
  { method: 'config/read', params: {} },
  { method: 'account/rateLimits/read' },
];

const PARAMETERS = [
  ...SWITCHED_OFF.flatMap((feature) => ['--disable', feature]),
  '-c',
  'analytics.enabled=false',
];

/** The answers of Codex 0.169, as far as they are read here. */
const modelList = z.object({
  data: z.array(
    z.object({
      model: z.string(),
      displayName: z.string(),
      description: z.string(),
      hidden: z.boolean(),
      supportedReasoningEfforts: z.array(z.object({ reasoningEffort: z.string() })),
      defaultReasoningEffort: z.string(),
      isDefault: z.boolean(),
    }),
  ),
});
const config = z.object({
  config: z.object({ model: z.string().nullish(), model_reasoning_effort: z.string().nullish() }),
});
const rateWindow = z.object({
  usedPercent: z.number(),
  windowDurationMins: z.number().nullable(),
  /** Seconds since the epoch. */
  resetsAt: z.number().nullable(),
});
const rateLimits = z.object({
  rateLimitsByLimitId: z
    .record(z.string(), z.object({ primary: rateWindow.nullable(), secondary: rateWindow.nullable() }))
    .nullable(),
});

/**
 * Asks Codex which models it offers, what a job gets that names none, and how much of its limits the account has
 * used; within 20 s, in a private home that is removed again. Refuses with `codex_not_found`, and with
 * `codex_unsupported` where Codex does not tell its models.
 */
export const askCodexAccount = (settings: Settings, signal: AbortSignal): Promise<Outcome<Account>> =>
  inPrivateHome(settings, signal, async ({ program, options }) =>
    readAccount(await askAppServer(program, PARAMETERS, QUESTIONS, options), settings),
  );

function readAccount([listed, configured, limits]: unknown[], settings: Settings): Outcome<Account> {
  const models = modelList.safeParse(listed).data?.data;
  if (models === undefined)
    return refuse('codex_unsupported', { message: 'This Codex CLI does not tell which models it offers.' });
  const chosen = config.safeParse(configured).data?.config;
  const model = settings.model ?? chosen?.model ?? models.find(({ isDefault }) => isDefault)?.model ?? null;
  return succeed({
    models: models
      .filter(({ hidden }) => !hidden)
      .map((each) => ({
        model: each.model,
        name: each.displayName,
        description: each.description,
        efforts: each.supportedReasoningEfforts.map(({ reasoningEffort }) => reasoningEffort),
        defaultEffort: each.defaultReasoningEffort,
      })),
    model,
    effort:
      chosen?.model_reasoning_effort ??
      models.find((each) => each.model === model)?.defaultReasoningEffort ??
      null,
    limits: readLimits(limits),
  });
}

/** Null where the account shows no limits, as one with an API key, or where they could not be read in time. */
function readLimits(answer: unknown): RateLimit[] | null {
  const limits = rateLimits.safeParse(answer).data?.rateLimitsByLimitId;
  if (!limits) return null;
  return Object.entries(limits).flatMap(([name, { primary, secondary }]) =>
    [primary, secondary].flatMap((window) => {
      if (window === null) return [];
      const { usedPercent, windowDurationMins: windowMinutes, resetsAt } = window;
      return [{ name, usedPercent, windowMinutes, resetsAt: resetsAt === null ? null : resetsAt * 1_000 }];
    }),
  );
}
