import { type Fault, type Outcome, refuse, succeed } from '../errors.js';
import type { JobView, SubmitRequest } from '../job/supervisor.js';
import { argumentsHash } from './arguments-hash.js';
import { readExtraArguments } from './extra-arguments.js';
import { type DelegateInput, MAX_TASK_BYTES } from './fields.js';
import { findStart, type Start } from './find-start.js';
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
  const requests = await toRequests(inputs, call);
  if (!requests.ok) return requests;
  const ready = await checkHouse(call.house);
  return ready.ok ? call.house.supervisor.submit(requests.value) : ready;
}

/** Checks what was asked for, all or none, and of several tells which is wrong. */
export async function toRequests(
  inputs: readonly DelegateInput[],
  call: Call,
): Promise<Outcome<SubmitRequest[]>> {
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
  const starts = new Map<string, Start>();
  for (const [index, input] of inputs.entries()) {
    if (starts.has(startKey(input))) continue;
    const start = await findStart(input, call);
    if (!start.ok) return named(start.fault, index);
    starts.set(startKey(input), start.value);
  }
  return succeed(checkedInputs.map((input) => toRequest(input, starts.get(startKey(input)) as Start, call)));
}

/** Jobs with the same key begin at the same place. */
const startKey = ({ workspace_root, continues }: DelegateInput) =>
  JSON.stringify([workspace_root, continues]);

type CheckedInput = DelegateInput & { extraSettings: string[] };

/** What the schema cannot say. */
function checkInput(input: DelegateInput): Outcome<CheckedInput> {
  const task = checkTask(input.task);
  if (!task.ok) return task;
  const start = checkStart(input);
  if (!start.ok) return start;
  if (input.profile !== undefined && input.isolation !== 'inherit')
    return invalidArgument('profile', 'is part of the configuration that this isolation leaves out');
  const extra = readExtraArguments(input.extra_args ?? []);
  return extra.ok ? succeed({ ...input, extraSettings: extra.value }) : extra;
}

/** A follow-up has the baseline of the job that it goes on from. */
function checkStart(input: DelegateInput): Outcome<null> {
  if (input.continues === undefined) return succeed(null);
  if (input.base_ref !== undefined) return invalidArgument('base_ref', 'must be left out with continues');
  if (input.include_untracked) return invalidArgument('include_untracked', 'must be left out with continues');
  return succeed(null);
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

/** Whether new work would be accepted now. */
export async function checkHouse(house: House): Promise<Outcome<unknown>> {
  if (house.draining()) return refuse('draining');
  const ready = await house.preflight();
  return ready.ok ? house.checkDisk() : ready;
}

function toRequest(input: CheckedInput, start: Start, { house: { settings }, origin }: Call): SubmitRequest {
  const earlier = start.earlier?.submission;
  return {
    task: input.task,
    argumentsHash: argumentsHash(input, start.directory),
    submission: {
      workspaceRoot: start.directory,
      subdirectory: start.subdirectory,
      repository: start.commonDirectory,
      backend: settings.backend,
      model: input.model ?? earlier?.model ?? settings.model,
      reasoningEffort: input.reasoning_effort ?? earlier?.reasoningEffort ?? null,
      isolation: input.isolation,
      profile: input.profile ?? (input.isolation === 'inherit' ? (earlier?.profile ?? null) : null),
      extraSettings: input.extraSettings,
      baseRef: input.base_ref ?? null,
      continues: start.continues,
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
