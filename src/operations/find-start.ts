import { join } from 'node:path';
import { type Outcome, refuse, succeed } from '../errors.js';
import { findRepository } from '../git/repository.js';
import { continuationOf } from '../job/continuation.js';
import { isSettled, type JobRecord } from '../job/record.js';
import type { Work } from './fields.js';
import type { Call, House } from './operation.js';
import { refuseRunning } from './result.js';

/** Where a job begins. */
export interface Start {
  /** Real path of the directory the caller named. */
  directory: string;
  subdirectory: string;
  commonDirectory: string;
  /** The job to go on from; null to begin anew, or when it is gone. */
  earlier: JobRecord | null;
  continues: JobRecord['submission']['continues'];
}

type Sought = Pick<Work, 'kind' | 'workspace_root' | 'continues' | 'idempotency_key'>;

/**
 * Finds the workspace of a job, and what it goes on from: a follow-up works where the earlier job did. Reads the
 * store and a few small files.
 */
export async function findStart(
  { kind, workspace_root: root, continues: jobId, idempotency_key: key }: Sought,
  call: Call,
): Promise<Outcome<Start>> {
  if (jobId !== undefined) return findEarlier(jobId, root, key, call);
  const directory = root === undefined ? await call.defaultWorkspace() : root;
  if (directory === null && kind === 'consult') return succeed(NOWHERE);
  if (directory === null) {
    return refuse('invalid_workspace_root', {
      message: 'No workspace_root was given, and the client names no directory of its own.',
    });
  }
  const found = await findWorkspace(directory);
  const asked = kind === 'consult' && root === undefined;
  return asked && !found.ok && found.fault.code === 'not_a_git_repo' ? succeed(NOWHERE) : found;
}

/** Where a question begins that is about no repository: the client names none, or is in none. */
const NOWHERE: Start = {
  directory: '',
  subdirectory: '',
  commonDirectory: '',
  earlier: null,
  continues: null,
};

async function findEarlier(
  jobId: string,
  root: Work['workspace_root'],
  key: Work['idempotency_key'],
  { house }: Call,
): Promise<Outcome<Start>> {
  const view = await house.supervisor.look(jobId);
  if (view === null) return findAgain(jobId, root, key, house, refuse('job_not_found'));
  const { record } = view;
  if (!isSettled(record.state)) return refuseRunning(view, house.now());
  const continues = continuationOf(record, house.settings.backend);
  if (!continues.ok) return findAgain(jobId, root, key, house, continues);
  const found = await findSameWorkspace(record.submission, root);
  return found.ok ? succeed({ ...found.value, earlier: record, continues: continues.value }) : found;
}

/**
 * A call that is repeated when the earlier job is gone, or can no longer be continued, begins where the first call of
 * its key did; `refused` is what any other call gets.
 */
async function findAgain(
  jobId: string,
  root: Work['workspace_root'],
  key: Work['idempotency_key'],
  { supervisor }: House,
  refused: Outcome<never>,
): Promise<Outcome<Start>> {
  const startedId = key === undefined ? null : await supervisor.startedBy(key);
  if (startedId === null) return refused;
  const started = await supervisor.look(startedId);
  if (started === null) return refuse('idempotency_result_unavailable');
  const { submission } = started.record;
  if (submission.continues?.jobId !== jobId) return refuse('idempotency_conflict');
  const found = await findSameWorkspace(submission, root);
  return found.ok ? succeed({ ...found.value, continues: submission.continues }) : found;
}

async function findSameWorkspace(
  { workspaceRoot, repository }: JobRecord['submission'],
  root: Work['workspace_root'],
): Promise<Outcome<Start>> {
  const found = await findWorkspace(root ?? workspaceRoot);
  if (!found.ok) return found;
  if (found.value.directory !== workspaceRoot || found.value.commonDirectory !== repository) {
    return refuse('cannot_continue', {
      message: 'The job worked in another directory or repository. Leave workspace_root out to go on there.',
    });
  }
  return found;
}

async function findWorkspace(directory: string): Promise<Outcome<Start>> {
  const found = await lookUp(directory);
  if (!found.ok) return found;
  const { root, subdirectory, commonDirectory } = found.value;
  return succeed({
    directory: join(root, subdirectory),
    subdirectory,
    commonDirectory,
    earlier: null,
    continues: null,
  });
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
