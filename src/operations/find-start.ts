import { join } from 'node:path';
import { type Outcome, refuse, succeed } from '../errors.js';
import { findForeseenRepository } from '../git/foreseen-repository.js';
import { continuationOf } from '../job/continuation.js';
import { isSettled, type JobRecord } from '../job/record.js';
import { inTurn } from '../turnstile.js';
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

type Sought = Pick<Work, 'kind' | 'workspace_root' | 'continues'>;

/**
 * Finds the workspace of a job, and what it goes on from: a follow-up works where the earlier job did. Reads the
 * store and a few small files.
 */
export function findStart(sought: Sought, call: Call): Promise<Outcome<Start>> {
  const { continues, workspace_root: root } = sought;
  return continues === undefined ? findNew(sought, call) : findEarlier(continues, root, call.house);
}

async function findNew({ kind, workspace_root: root }: Sought, call: Call): Promise<Outcome<Start>> {
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
  house: House,
): Promise<Outcome<Start>> {
  const view = await house.supervisor.look(jobId);
  if (view === null) return refuse('job_not_found');
  const { record } = view;
  if (!isSettled(record.state)) return refuseRunning(view, house.now());
  const continues = continuationOf(record, house.settings.backend);
  if (!continues.ok) return continues;
  const found = await findSameWorkspace(record.submission, root);
  return found.ok ? succeed({ ...found.value, earlier: record, continues: continues.value }) : found;
}

/**
 * Where a call that is repeated begins, for which `findStart` was `refused`: where the first call of its key did, also
 * when that place is gone by now, or the earlier job. A call that is the first stays refused.
 */
export async function findAgain(
  { workspace_root: root, continues, idempotency_key: key }: Sought & Pick<Work, 'idempotency_key'>,
  { supervisor }: House,
  refused: Outcome<never>,
): Promise<Outcome<Start>> {
  const startedId = key === undefined ? null : await supervisor.startedBy(key);
  if (startedId === null) return refused;
  const started = await supervisor.look(startedId);
  if (started === null) return refuse('idempotency_result_unavailable');
  const { submission } = started.record;
  const { workspaceRoot: directory, subdirectory, repository: commonDirectory } = submission;
  if (submission.continues?.jobId !== continues || !(await mayName(root, directory)))
    return refuse('idempotency_conflict');
  return succeed({
    directory,
    subdirectory,
    commonDirectory,
    earlier: null,
    continues: submission.continues,
  });
}

/** Whether a caller's root names the directory, or did before it was moved: now neither is a workspace. */
async function mayName(root: Work['workspace_root'], directory: string): Promise<boolean> {
  const named = await findWorkspace(root ?? directory);
  return named.ok ? named.value.directory === directory : !(await findWorkspace(directory)).ok;
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
const lookUps = new Map<string, ReturnType<typeof findForeseenRepository>>();

function lookUp(directory: string): ReturnType<typeof findForeseenRepository> {
  const underWay = lookUps.get(directory);
  if (underWay !== undefined) return underWay;
  const found = findForeseenRepository(directory).finally(() => inTurn(() => lookUps.delete(directory)));
  lookUps.set(directory, found);
  return found;
}
