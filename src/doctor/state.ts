import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import type { Settings } from '../config.js';
import { counted } from '../counted.js';
import { errorTable } from '../errors.js';
import { notedRemovals } from '../job/artifacts.js';
import { checkDisk } from '../job/disk.js';
import { stateLayout } from '../job/layout.js';
import { makePrivateDirectory } from '../state-directory.js';
import { findSetAside, unknownTo } from '../store/sqlite-file.js';
import { type Finding, problem, warning, well } from './finding.js';

/** So many jobs are named at once. */
const NAMED = 20;

/**
 * The state directory: whether it can be written, is private, has room, and holds no damaged store and nothing of
 * another one. It is made if it lacks.
 */
export async function lookAtState({ stateDir }: Settings): Promise<Finding[]> {
  if (!(await isWritable(stateDir))) {
    return [
      problem(
        'state directory',
        `${stateDir} cannot be written`,
        'Set OFFSHOOT_STATE_DIR to a directory of yours.',
      ),
    ];
  }
  return [
    await privacy(stateDir),
    await room(stateDir),
    ...(await setAside(stateDir)),
    ...(await unknownJobs(stateDir)),
  ];
}

async function isWritable(stateDir: string): Promise<boolean> {
  try {
    makePrivateDirectory(stateDir);
    await access(stateDir, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function privacy(stateDir: string): Promise<Finding> {
  const { mode } = await stat(stateDir);
  if ((mode & 0o077) === 0) return well('state directory', stateDir);
  return warning('state directory', `others can read ${stateDir}`, `chmod 700 '${stateDir}'`);
}

async function room(stateDir: string): Promise<Finding> {
  const disk = await checkDisk(stateDir);
  if (disk.ok) return well('disk', 'there is room');
  return problem('disk', disk.fault.message, errorTable[disk.fault.code].advice);
}

async function setAside(stateDir: string): Promise<Finding[]> {
  const paths = await findSetAside(stateLayout(stateDir).store);
  return paths.map((path) =>
    warning('store', `a damaged one was set aside as ${path}`, `rm '${path}', when it is not needed`),
  );
}

/** A daemon leaves them alone: it cannot tell whether the store that knows them will come back. */
async function unknownJobs(stateDir: string): Promise<Finding[]> {
  const { jobs, store } = stateLayout(stateDir);
  const removed = await notedRemovals(stateDir);
  const names = await readdir(jobs).catch(() => []);
  const unknown = unknownTo(
    store,
    names.filter((jobId) => !removed.includes(jobId)),
  );
  if (unknown.length === 0) return [];
  const found = `${counted(unknown.length, 'job')} that the store does not know left files in ${jobs}: the store was damaged, moved or replaced, or the machine lost power as they were removed`;
  const named = unknown.slice(0, NAMED).join(' ');
  const rest = unknown.length > NAMED ? '; then doctor names more' : '';
  return [
    warning('jobs', found, `Put their store back, or delete them: cd '${jobs}' && rm -r ${named}${rest}`),
  ];
}
