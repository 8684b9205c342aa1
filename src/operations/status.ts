import { z } from 'zod';
import type { Account, Readiness } from '../agents/agent.js';
import { type Outcome, succeed } from '../errors.js';
import { stateLayout } from '../job/layout.js';
import { MAX_TASK_BYTES } from './fields.js';
import { describeRefusal, instant, jobError } from './job-state.js';
import { defineOperation, type House } from './operation.js';
import { checkHouse } from './submit-job.js';

const count = z.number();

const output = z.object({
  ok: z.literal(true),
  ready: z.boolean().describe('New work would be accepted now.'),
  problem: jobError.nullable().describe('Why not.'),
  backend: z.string(),
  codex: z.object({
    found: z.boolean(),
    program: z.string().nullable(),
    version: z.string().nullable(),
    logged_in: z.boolean().nullable(),
    sandbox: z.boolean().nullable(),
  }),
  rate_limits: z
    .array(
      z.object({
        name: z.string(),
        used_percent: count,
        window_minutes: count.nullable(),
        resets_at: z.string().nullable(),
      }),
    )
    .nullable()
    .describe('Of the account; null where it shows none.'),
  notes: z.array(z.string()),
  limits: z.record(z.string(), count),
  jobs: z.record(z.string(), count).describe('Jobs in each state.'),
  daemon: z.object({
    version: z.string(),
    pid: count,
    uptime_seconds: count,
    draining: z.boolean(),
    state_directory: z.string(),
    log: z.string(),
    http: z.string().nullable(),
  }),
});

export const status = defineOperation({
  tool: 'codex_status',
  command: 'info',
  title: 'Check Codex and the daemon',
  description:
    'Reads whether this machine can take work now: the Codex CLI, its version, login and sandbox, the limits of this machine and of the account, the jobs by state, and the daemon with its log. ' +
    'Use it when a delegation was refused or before handing out much work; for one job use codex_job_status, for the jobs themselves codex_job_list. ' +
    'It runs the same checks as a delegation does before it accepts, at most a few seconds. ' +
    'A null means that it could not be found out. ' +
    'Codex may ask the account for its limits; no model is asked and nothing is spent.',
  input: z.strictObject({}),
  output,
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  async handle(_, { house, origin }) {
    const [readiness, account, ready] = await Promise.all([
      house.preflight(),
      house.account(),
      checkHouse(house),
    ]);
    const accepted = ready.ok ? roomFor(origin.client, house) : ready;
    return succeed({
      ok: true as const,
      ready: accepted.ok,
      problem: accepted.ok ? null : describeRefusal(accepted.fault),
      codex: describeCodex(readiness),
      rate_limits: account.ok ? describeRateLimits(account.value) : null,
      notes: [
        ...(readiness.ok ? readiness.value.notes : []),
        ...(await house.damagedStores()).map(describeSetAside),
        ...(origin.variables === undefined
          ? []
          : describeDiffering(house.differingSettings(origin.variables))),
      ],
      backend: house.settings.backend,
      limits: describeLimits(house.settings),
      jobs: await house.supervisor.countByState(),
      daemon: await describeDaemon(house),
    });
  },
});

/**
 * Whether there is room for this client. With a full queue that may yet depend on the repository, which nobody has
 * named.
 */
const roomFor = (client: string, { supervisor }: House): Outcome<null> =>
  supervisor.roomFor({ repository: '', client });

function describeCodex(readiness: Outcome<Readiness>) {
  const found = readiness.ok ? readiness.value : null;
  return {
    found: readiness.ok || readiness.fault.code !== 'codex_not_found',
    program: found?.program ?? null,
    version: found?.version ?? null,
    logged_in: found?.loggedIn ?? null,
    sandbox: found?.sandbox ?? null,
  };
}

const describeRateLimits = ({ limits }: Account) =>
  limits?.map(({ name, usedPercent, windowMinutes, resetsAt }) => ({
    name,
    used_percent: usedPercent,
    window_minutes: windowMinutes,
    resets_at: resetsAt === null ? null : instant(resetsAt),
  })) ?? null;

const describeSetAside = (path: string) =>
  `A damaged store was set aside as ${path}, with the jobs it held, whose files are kept; a fresh one serves. When none of it is needed, remove that file and what \`offshoot doctor\` names.`;

const describeDiffering = (differing: Outcome<string[]>): string[] => {
  if (!differing.ok)
    return [
      `The settings are as the daemon was started. No daemon starts with those that are set now: ${differing.fault.message}`,
    ];
  if (differing.value.length === 0) return [];
  return [
    `Set otherwise here than where the daemon was started, and not in force: ${differing.value.join(', ')}. After \`offshoot stop\` the next daemon takes them.`,
  ];
};

const describeLimits = (settings: House['settings']) => ({
  max_running: settings.maxRunning,
  max_running_per_repo: settings.maxRunningPerRepo,
  max_queued: settings.maxQueued,
  task_bytes: MAX_TASK_BYTES,
  deadline_seconds: settings.deadlineSeconds,
  queue_seconds: settings.queueSeconds,
  result_ttl_seconds: settings.resultTtlSeconds,
});

const describeDaemon = async (house: House) => ({
  version: house.version,
  pid: process.pid,
  uptime_seconds: Math.floor((house.now() - house.startedAt) / 1_000),
  draining: house.draining(),
  state_directory: house.settings.stateDir,
  log: stateLayout(house.settings.stateDir).log,
  http: await house.httpUrl(),
});
