import type { Settings } from '../config.js';
import { sweepTrash } from '../git/removal.js';
import { reconcileSlots } from '../git/slot-pool.js';
import { stateLayout } from '../job/layout.js';
import type { ReconcileTask } from '../pool/messages.js';
import { killStrays } from './marked-processes.js';
import { removeEndedHosts } from './start-hosted.js';

/**
 * Removes what belongs to no job any more: processes and slots of settled jobs. What belongs to an unsettled
 * job, or might, is left. Called when the daemon starts, before it accepts jobs.
 */
export async function reconcile({ unsettledJobIds }: ReconcileTask, settings: Settings): Promise<null> {
  const unsettled = new Set(unsettledJobIds);
  const { repositories, jobs } = stateLayout(settings.stateDir);
  await killStrays(jobs, (jobId) => !unsettled.has(jobId));
  await removeEndedHosts(settings.stateDir, true);
  await reconcileSlots(repositories, unsettled, settings);
  // Deleting takes its time, and nobody waits for it.
  void sweepTrash(repositories);
  return null;
}
