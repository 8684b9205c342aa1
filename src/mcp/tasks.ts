import { areOfOneProgram } from '../ipc/origin.js';
import type { JobView } from '../job/supervisor.js';
import { invalidParams, RpcError, refusalError } from './rpc-error.js';
import type { Caller, McpResult, McpService } from './service.js';
import { callOperation, toToolResult } from './tools.js';

/** Name of the extension; https://github.com/modelcontextprotocol/ext-tasks describes it. */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

const MISSING_CLIENT_CAPABILITY = -32021;

/** The tools whose calls become tasks, each with the one that starts the same work without waiting for it. */
const startingTools: Readonly<Record<string, string>> = {
  codex_delegate: 'codex_delegate_async',
  codex_consult: 'codex_consult_async',
  codex_review_changes: 'codex_review_changes_async',
};

/** The longer a job has been in its state, the less often a client needs to look; in milliseconds. */
const SOONEST_POLL_MS = 1_000;
const LATEST_POLL_MS = 5_000;

/**
 * Jobs as tasks: a task's id is its job's, so a task lives as long as the job does, whatever happens to the
 * client, the connection or the daemon. Any job can be asked for, however it was started.
 */
export function jobTasks(service: McpService) {
  const { operations, house } = service;

  const find = async (taskId: unknown): Promise<JobView | null> =>
    typeof taskId === 'string' ? house.supervisor.look(taskId) : null;

  async function look(taskId: unknown): Promise<JobView> {
    const view = await find(taskId);
    if (view === null) throw invalidParams('There is no such task.');
    return view;
  }

  async function describe(view: JobView, caller: Caller): Promise<McpResult> {
    const task = describeTask(view, house.now());
    return task.status === 'completed' ? { ...task, result: await resultOf(view.record.id, caller) } : task;
  }

  /** What the tool would have answered, had the client waited. */
  async function resultOf(jobId: string, caller: Caller): Promise<McpResult> {
    const outcome = await callOperation(service, 'codex_job_result', { job_id: jobId }, caller);
    if (!outcome.ok) return { resultType: 'complete', ...toToolResult(outcome) };
    const value = { ...(outcome.value as object), settled: true, replayed: false };
    return { resultType: 'complete', ...toToolResult({ ok: true, value }) };
  }

  return {
    /** The task that a tool call becomes; null for a call that is answered directly. */
    async create(tool: unknown, input: unknown, caller: Caller): Promise<McpResult | null> {
      const operation = operations.find((each) => each.tool === tool);
      const startingTool = startingTools[String(tool)];
      // Arguments that do not fit are refused by the tool itself.
      if (startingTool === undefined || !operation?.input.safeParse(input).success) return null;
      const { timeout_seconds: _, ...work } = input as Record<string, unknown>;
      const outcome = await callOperation(service, startingTool, work, caller);
      if (!outcome.ok) return toToolResult(outcome);
      const view = await look((outcome.value as { job_id: string }).job_id);
      return { resultType: 'task', ...describeTask(view, house.now()) };
    },

    async get(taskId: unknown, caller: Caller): Promise<McpResult> {
      return describe(await look(taskId), caller);
    },

    /** The same; null if there is no such task, or another program has begun it. */
    async findOwn(taskId: string, caller: Caller): Promise<McpResult | null> {
      const view = await find(taskId);
      if (view === null || !areOfOneProgram(view.record.submission.client, caller.origin.client)) return null;
      return describe(view, caller);
    },

    async cancel(taskId: unknown, caller: Caller): Promise<McpResult> {
      const { record } = await look(taskId);
      const outcome = await callOperation(service, 'codex_job_cancel', { job_id: record.id }, caller);
      if (!outcome.ok) throw refusalError(outcome.fault);
      return {};
    },

    /** A job never asks its client for anything, so there is nothing that an answer could change. */
    async update(taskId: unknown): Promise<McpResult> {
      await look(taskId);
      return {};
    },
  };
}

export type JobTasks = ReturnType<typeof jobTasks>;

/** Whether the client of a request said in that very request that it understands tasks. */
export function declaresTasks(clientCapabilities: unknown): boolean {
  const { extensions } = (clientCapabilities ?? {}) as { extensions?: Record<string, unknown> };
  return extensions?.[TASKS_EXTENSION] !== undefined;
}

export const tasksNotDeclared = () =>
  new RpcError(MISSING_CLIENT_CAPABILITY, 'The request does not declare the tasks extension.', {
    requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } },
  });

/** The task of a job. Its time to live counts from its creation, and is known once the job has settled. */
function describeTask({ record, queuePosition }: JobView, now: number) {
  const { id, state, entered, expiresAt, context } = record;
  const createdAt = entered.queued ?? 0;
  const since = entered[state] ?? createdAt;
  const activity = queuePosition === null ? context.progress.activity : `number ${queuePosition} in line`;
  return {
    taskId: id,
    status: statusOf(record),
    statusMessage: activity === null || expiresAt !== null ? state : `${state}: ${activity}`,
    createdAt: new Date(createdAt).toISOString(),
    lastUpdatedAt: new Date(since).toISOString(),
    ttlMs: expiresAt === null ? null : expiresAt - createdAt,
    pollIntervalMs: Math.min(LATEST_POLL_MS, Math.max(SOONEST_POLL_MS, now - since)),
  };
}

/** A job that failed leaves a result that says so, and a patch: as a task it is completed. */
function statusOf({ state, expiresAt }: JobView['record']): 'working' | 'completed' | 'cancelled' {
  if (expiresAt === null) return 'working';
  return state === 'cancelled' ? 'cancelled' : 'completed';
}
