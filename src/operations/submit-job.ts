import { join } from 'node:path';
import type { Settings } from '../config.js';
import { type Fault, type Outcome, refuse, succeed } from '../errors.js';
import type { JobView, SubmitRequest } from '../job/supervisor.js';
import { argumentsHash } from './arguments-hash.js';
import { readExtraArguments } from './extra-arguments.js';
import { type DelegateInput, MAX_TASK_BYTES, type Work } from './fields.js';
import { findAgain, findStart, type Start } from './find-start.js';
import { invalidArgument } from './invalid-argument.js';
import type { Call, House } from './operation.js';

/** A delegation as work of its kind. */
export const toDelegation = (input: DelegateInput): Work => ({ ...input, kind: 'delegate', review: null });

/** Accepts a delegation, or tells why not, as `submitWork` does. */
export const submitJob = (input: DelegateInput, call: Call): Promise<Outcome<JobView>> =>
  submitOne(toDelegation(input), call);

/** Accepts delegations, all or none, as `submitWork` does. */
export const submitJobs = (inputs: readonly DelegateInput[], call: Call): Promise<Outcome<JobView[]>> =>
  submitWork(inputs.map(toDelegation), call);

/** Accepts one job of any kind, as `submitWork` does. */
export async function submitOne(work: Work, call: Call): Promise<Outcome<JobView>> {
  const submitted = await submitWork([work], call);
  if (!submitted.ok) return submitted;
  const [view] = submitted.value;
  if (view === undefined) throw new Error('The supervisor answered a submission without a job.');
  return succeed(view);
}

/**
 * Accepts jobs, all or none, or tells why not, and of several which. The checks come cheapest first and none of
 * them starts or spends anything; the answer comes once the jobs are durable.
 */
async function submitWork(works: readonly Work[], call: Call): Promise<Outcome<JobView[]>> {
  const requests = await toRequests(works, call);
  if (!requests.ok) return requests;
  const supported = checkBackend(works, call.house.settings);
  const ready = supported.ok ? await checkHouse(call.house) : supported;
  if (!ready.ok && !(await areRepeated(works, call.house))) return ready;
  return call.house.supervisor.submit(requests.value);
}

/** Whether all of it was asked for before: then it starts nothing, and a house that accepts no new work answers it. */
async function areRepeated(works: readonly Work[], { supervisor }: House): Promise<boolean> {
  for (const { idempotency_key: key } of works) {
    if (key === undefined || (await supervisor.startedBy(key)) === null) return false;
  }
  return true;
}

/** Checks what was asked for, all or none, and of several tells which is wrong. */
export async function toRequests(works: readonly Work[], call: Call): Promise<Outcome<SubmitRequest[]>> {
  const named = (fault: Fault, index: number): { ok: false; fault: Fault } => ({
    ok: false,
    fault: works.length === 1 ? fault : { ...fault, details: { ...fault.details, task_index: index } },
  });
  const checkedWorks: CheckedWork[] = [];
  for (const [index, work] of works.entries()) {
    const checked = checkWork(work);
    if (!checked.ok) return named(checked.fault, index);
    checkedWorks.push(checked.value);
  }
  const found = new Map<string, Outcome<Start>>();
  const requests: SubmitRequest[] = [];
  for (const [index, work] of checkedWorks.entries()) {
    const place = found.get(placeOf(work)) ?? (await findStart(work, call));
    found.set(placeOf(work), place);
    const start = place.ok ? place : await findAgain(work, call.house, place);
    if (!start.ok) return named(start.fault, index);
    requests.push(toRequest(work, start.value, call, works.length));
  }
  return succeed(requests);
}

/** Jobs with the same begin at the same place. */
const placeOf = ({ workspace_root, continues }: Work) => JSON.stringify([workspace_root, continues]);

type CheckedWork = Work & { extraSettings: string[] };

/** What the schema cannot say. */
function checkWork(work: Work): Outcome<CheckedWork> {
  const task = checkTask(work);
  if (!task.ok) return task;
  const start = checkStart(work);
  if (!start.ok) return start;
  if (work.profile !== undefined && work.isolation !== 'inherit')
    return invalidArgument('profile', 'It is part of the configuration that this isolation leaves out.');
  const extra = readExtraArguments(work.extra_args ?? []);
  return extra.ok ? succeed({ ...work, extraSettings: extra.value }) : extra;
}

/** A follow-up has the baseline of the job that it goes on from. */
function checkStart(work: Work): Outcome<null> {
  if (work.continues === undefined) return succeed(null);
  if (work.base_ref !== undefined) return invalidArgument('base_ref', 'It must be left out with continues.');
  if (work.include_untracked)
    return invalidArgument('include_untracked', 'It must be left out with continues.');
  return succeed(null);
}

/** What each kind of work calls its task. */
const taskFields = { delegate: 'task', consult: 'question', review: 'instructions' } as const;

function checkTask({ kind, task }: Work): Outcome<null> {
  const field = taskFields[kind];
  // A review needs no words: its task is to look at the changes.
  if (task.trim() === '' && kind !== 'review') return invalidArgument(field, 'It must not be blank.');
  const bytes = Buffer.byteLength(task);
  if (bytes > MAX_TASK_BYTES) {
    return refuse('input_too_large', {
      details: { field, limit_bytes: MAX_TASK_BYTES, actual_bytes: bytes },
    });
  }
  if (task.includes('\0')) return invalidArgument(field, 'It must not hold NUL characters.');
  return succeed(null);
}

/** Only an agent of Codex can be kept from writing. */
function checkBackend(works: readonly Work[], { backend }: Settings): Outcome<null> {
  const reads = works.some(({ kind }) => kind !== 'delegate');
  return reads && backend === 'command' ? refuse('backend_unsupported') : succeed(null);
}

/** Whether new work would be accepted now. */
export async function checkHouse(house: House): Promise<Outcome<unknown>> {
  if (house.draining()) return refuse('draining');
  const ready = await house.preflight();
  return ready.ok ? house.checkDisk() : ready;
}

function toRequest(
  input: CheckedWork,
  start: Start,
  { house: { settings }, origin }: Call,
  together: number,
): SubmitRequest {
  const earlier = start.earlier?.submission;
  return {
    task: input.task,
    argumentsHash: argumentsHash(input, start.directory, together),
    submission: {
      kind: input.kind,
      review: input.review && { ...input.review, paths: fromRoot(input.review.paths, start) },
      workspaceRoot: start.directory,
      subdirectory: start.subdirectory,
      repository: start.commonDirectory,
      // Work that only reads is short, and has a process of its own whatever the others have.
      backend: input.kind === 'delegate' ? settings.backend : 'codex-exec',
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

/** Paths relative to the workspace as paths relative to the repository's root; none where they are all of it. */
function fromRoot(paths: readonly string[], { subdirectory }: Start): string[] {
  const places = paths.map((path) => join(subdirectory, path).replace(/\/$/, ''));
  return places.includes('.') ? [] : places;
}
