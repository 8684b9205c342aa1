import { join } from 'node:path';
import { type Outcome, refuse, succeed } from '../errors.js';
import { findRepository } from '../git/repository.js';
import type { JobView, SubmitRequest } from '../job/supervisor.js';
import { argumentsHash } from './arguments-hash.js';
import { type DelegateInput, MAX_TASK_BYTES } from './fields.js';
import { invalidArgument } from './invalid-argument.js';
import type { Call, House } from './operation.js';

/**
 * Accepts a job, or tells why not. The checks come cheapest first and none of them starts or spends anything;
 * the answer comes once the job is durable.
 */
export async function submitJob(input: DelegateInput, call: Call): Promise<Outcome<JobView>> {
  const task = checkTask(input.task);
  if (!task.ok) return task;
  const workspace = await findWorkspace(input.workspace_root, call);
  if (!workspace.ok) return workspace;
  const ready = await checkHouse(call.house);
  if (!ready.ok) return ready;
  const submitted = await call.house.supervisor.submit([toRequest(input, workspace.value, call.house)]);
  if (!submitted.ok) return submitted;
  const [view] = submitted.value;
  if (view === undefined) throw new Error('The supervisor answered a submission without a job.');
  return succeed(view);
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
  const found = await findRepository(directory);
  if (!found.ok) return found;
  const { root, subdirectory, commonDirectory } = found.value;
  return succeed({ directory: join(root, subdirectory), subdirectory, commonDirectory });
}

async function checkHouse(house: House): Promise<Outcome<unknown>> {
  if (house.draining()) return refuse('draining');
  const ready = await house.preflight();
  return ready.ok ? house.checkDisk() : ready;
}

function toRequest(input: DelegateInput, workspace: Workspace, { settings }: House): SubmitRequest {
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
      baseRef: input.base_ref ?? null,
      label: input.label ?? null,
      idempotencyKey: input.idempotency_key ?? null,
      deadlineSeconds: input.deadline_seconds ?? settings.deadlineSeconds,
      taskBytes: Buffer.byteLength(input.task),
    },
  };
}
