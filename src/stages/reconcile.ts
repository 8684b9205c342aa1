import type { Settings } from '../config.js';
import { sweepTrash } from '../git/removal.js';
import { jobsWithSlots, reconcileSlots } from '../git/slot-pool.js';
import { stateLayout } from '../job/layout.js';
import type { ReconcileTask } from '../pool/messages.js';
import { jobsWithProcesses, killStrays } from './marked-processes.js';
import { removeEndedHosts } from './start-hosted.js';

/** Ids of the jobs that have a slot or a living process, whether or not somebody knows them. */
export async function findLeftovers(_: Record<never, never>, settings: Settings): Promise<string[]> {
  const { repositories, jobs } = stateLayout(settings.stateDir);
  return [...new Set([...jobsWithSlots(repositories), ...jobsWithProcesses(jobs)])];
}

/**
 * Removes what is left of jobs that are over: their processes and slots. Called when the daemon starts, before it
 * accepts jobs.
 */
export async function reconcile({ overJobIds }: ReconcileTask, settings: Settings): Promise<null> {
  const over = new Set(overJobIds);
  const { repositories, jobs } = stateLayout(settings.stateDir);
  await killStrays(jobs, (jobId) => over.has(jobId));
  await removeEndedHosts(settings.stateDir, true);
  await reconcileSlots(repositories, over, settings);
  // Deleting takes its time, and nobody waits for it.
  void sweepTrash(repositories);
  return null;
}
