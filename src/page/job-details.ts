import { agentProcesses } from '../inspect/processes.js';
import { attemptLayout } from '../job/layout.js';
import { isSettled } from '../job/record.js';
import type { House } from '../operations/operation.js';

/** What the page shows of one job beside its row and its result; null if there is no such job. */
export async function jobDetails(jobId: string, { supervisor, settings }: House) {
  const view = await supervisor.look(jobId);
  if (view === null) return null;
  const { state, context, submission } = view.record;
  const { process } = attemptLayout(settings.stateDir, jobId, context.attempt);
  return {
    journal: await supervisor.journal(jobId),
    processes: isSettled(state) ? [] : await agentProcesses(process),
    failedAttempts: context.failedAttempts,
    model: submission.model,
    baseRef: submission.baseRef,
    continues: submission.continues?.jobId ?? null,
    baselineCommit: context.worktree?.baselineCommit ?? null,
  };
}
