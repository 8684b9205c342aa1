import PQueue from 'p-queue';
import type { StagePool } from '../pool/pool.js';
import { isSettled } from './record.js';
import type { Supervisor } from './supervisor.js';

const AT_ONCE = 4;
const ATTEMPTS = 3;

/**
 * Tells the user's command or URL of each job that settles, in the order in which they do; a job that ended
 * while no daemon was there is told of when the next one has settled it. What fails three times is logged.
 */
export function announceSettled(
  supervisor: Supervisor,
  pool: StagePool,
  log: { warn(details: object, message: string): void },
): void {
  const queue = new PQueue({ concurrency: AT_ONCE });
  supervisor.subscribe(({ record: { id, state, submission } }) => {
    if (!isSettled(state)) return;
    const { label, groupId } = submission;
    void queue.add(async () => {
      let problem: string | null = null;
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        problem = await pool.run('announce', { jobId: id, state, label, groupId }).catch(String);
        if (problem === null) return;
      }
      log.warn({ job: id, problem }, 'on_settled was not told');
    });
  });
}
