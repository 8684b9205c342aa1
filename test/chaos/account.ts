import { createHash } from 'node:crypto';
import { isSettled, type JobRecord } from '../../src/job/record.js';
import type { Answer, Offshoot } from '../support/offshoot.js';
import type { Behaviour } from './agent.js';

export interface Accepted {
  id: string;
  behaviour: Behaviour;
  /** A client asked to consume it, and may not have heard the answer. */
  taken: boolean;
}

/** What is wrong with an accepted job when all has come to rest; null if it is as promised. */
export async function findFault(offshoot: Offshoot, job: Accepted): Promise<string | null> {
  let result: Answer;
  try {
    // A job that is gone is said here; a wait takes it for ended.
    await offshoot.call('codex_job_status', { job_id: job.id });
    result = await offshoot.result(job.id);
  } catch (problem) {
    return job.taken && String(problem).includes('job_not_found') ? null : `${problem}`;
  }
  if (!isSettled(result.status as JobRecord['state'])) return `it is ${result.status}`;
  const endings = (result.events as Answer[]).filter(({ state }: Answer) => isSettled(state));
  if (endings.length !== 1) return `it settled ${endings.length} times`;
  if (result.patch === null) return null;
  const sha256 = createHash('sha256').update(result.patch).digest('hex');
  return sha256 === result.patch_sha256 ? null : `the patch is not the one that was captured`;
}
