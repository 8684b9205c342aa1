import { join } from 'node:path';
import { type Fault, type Outcome, refuse, succeed } from '../errors.js';
import { findRepository } from '../git/repository.js';
import type { JobView, SubmitRequest } from '../job/supervisor.js';
import { argumentsHash } from './arguments-hash.js';
import { readExtraArguments } from './extra-arguments.js';
import { type DelegateInput, MAX_TASK_BYTES } from './fields.js';
import { invalidArgument } from './invalid-argument.js';
import type { Call, House } from './operation.js';

/** Accepts a job, or tells why not, as `submitJobs` does. */
export async function submitJob(input: DelegateInput, call: Call): Promise<Outcome<JobView>> {
  const submitted = await submitJobs([input], call);
  if (!submitted.ok) return submitted;
  const [view] = submitted.value;
  if (view === undefined) throw new Error('The supervisor answered a submission without a job.');
  return succeed(view);
}

/**
 * Accepts jobs, all or none, or tells why not, and of several which. The checks come cheapest first and none of
 * them starts or spends anything; the answer comes once the jobs are durable.
 */
export async function submitJobs(inputs: readonly DelegateInput[], call: Call): Promise<Outcome<JobView[]>> {
  const named = (fault: Fault, index: number): { ok: false; fault: Fault } => ({
    ok: false,
    fault: inputs.length === 1 ? fault : { ...fault, details: { ...fault.details, task_index: index } },
  });
  const checkedInputs: CheckedInput[] = [];
  for (const [index, input] of inputs.entries()) {
    const checked = checkInput(input);
    if (!checked.ok) return named(checked.fault, index);
    checkedInputs.push(checked.value);
  }
  const workspaces = new Map<string | undefined, Workspace>();
  for (const [index, { workspace_root: root }] of inputs.entries()) {
    if (workspaces.has(root)) continue;
    const workspace = await findWorkspace(root, call);
    if (!workspace.ok) return named(workspace.fault, index);
    workspaces.set(root, workspace.value);
  }
  const ready = await checkHouse(call.house);
  if (!ready.ok) return ready;
  return call.house.supervisor.submit(
    checkedInputs.map((input) => toRequest(input, workspaces.get(input.workspace_root) as Workspace, call)),
  );
}

type CheckedInput = DelegateInput & { extraSettings: string[] };

/** What the schema cannot say. */
function checkInput(input: DelegateInput): Outcome<CheckedInput> {
  const task = checkTask(input.task);
  if (!task.ok) return task;
  if (input.profile !== undefined && input.isolation !== 'inherit')
    return invalidArgument('profile', 'is part of the configuration that this isolation leaves out');
  const extra = readExtraArguments(input.extra_args ?? []);
  return extra.ok ? succeed({ ...input, extraSettings: extra.value }) : extra;
}

function checkTask(task: string): Outcome<null> {
  if (task.trim() === '') return invalidArgument('task', 'must not be blank');
  const bytes = Buffer.byteLength(task);
  if (bytes > MAX_TASK_BYTES) {
    return refuse('input_too_large', {
      details: { field: 'task', limit_bytes: MAX_TASK_BYTES, actual_bytes: bytes },
    });
  }
  if (task.includes('\0')) return invalidArgument('task', 'must not hold NUL characters');
  return succeed(null);
}

interface Workspace {
  /** Real path of the directory the caller named. */
  directory: string;
  subdirectory: string;
  commonDirectory: string;
}

async function findWorkspace(named: string | undefined, call: Call): Promise<Outcome<Workspace>> {
  const directory = named ?? (await call.defaultWorkspace());
  if (directory === null) {
    return refuse('invalid_workspace_root', {
      message: 'No workspace_root was given, and the client names no directory of its own.',
    });
  }
  const found = await lookUp(directory);
  if (!found.ok) return found;
  const { root, subdirectory, commonDirectory } = found.value;
  return succeed({ directory: join(root, subdirectory), subdirectory, commonDirectory });
}

/** Look-ups under way. A swarm submits on one repository, many at once: they share one. */
const lookUps = new Map<string, ReturnType<typeof findRepository>>();

function lookUp(directory: string): ReturnType<typeof findRepository> {
  const underWay = lookUps.get(directory);
  if (underWay !== undefined) return underWay;
  const found = findRepository(directory).finally(() => lookUps.delete(directory));
  lookUps.set(directory, found);
  return found;
}

async function checkHouse(house: House): Promise<Outcome<unknown>> {
  if (house.draining()) return refuse('draining');
  const ready = await house.preflight();
  return ready.ok ? house.checkDisk() : ready;
}

function toRequest(
  input: CheckedInput,
  workspace: Workspace,
  { house: { settings }, origin }: Call,
): SubmitRequest {
  return {
    task: input.task,
    argumentsHash: argumentsHash(input, workspace.directory),
    submission: {
      workspaceRoot: workspace.directory,
      subdirectory: workspace.subdirectory,
      repository: workspace.commonDirectory,
      backend: settings.backend,
      model: input.model ?? settings.model,
      reasoningEffort: input.reasoning_effort ?? null,
      isolation: input.isolation,
      profile: input.profile ?? null,
      extraSettings: input.extraSettings,
      baseRef: input.base_ref ?? null,
      includeUntracked: input.include_untracked,
      label: input.label ?? null,
      groupId: input.group_id ?? null,
      client: origin.client,
      priority: input.priority,
      parentJobId: origin.parentJobId,
      idempotencyKey: input.idempotency_key ?? null,
      deadlineSeconds: input.deadline_seconds ?? settings.deadlineSeconds,
      taskBytes: Buffer.byteLength(input.task),
    },
  };
}
