import type { LogPlace, PlacedEntry } from '../agents/log-entry.js';
import { isSettled } from '../job/record.js';
import type { Supervisor } from '../job/supervisor.js';
import { readAgentLog } from './agent-log.js';

export interface JobLogRequest {
  supervisor: Supervisor;
  stateDir: string;
  jobId: string;
  /** Where to begin; null: at the start. */
  from: LogPlace | null;
  /** Go on until the job has settled, instead of ending with what is there now. */
  follow: boolean;
  signal: AbortSignal;
}

/** Hands on what the agents of a job did, oldest first. False if there is no such job. */
export async function followJobLog(
  { supervisor, stateDir, jobId, from, follow, signal }: JobLogRequest,
  take: (entry: PlacedEntry) => Promise<void>,
): Promise<boolean> {
  // Before the look: an end in between would be missed.
  const changes: { attempt: number; settled: boolean } = { attempt: 1, settled: false };
  const leave = supervisor.subscribe(({ record }) => {
    if (record.id === jobId) note(record);
  });
  const note = ({
    context,
    state,
  }: {
    context: { attempt: number };
    state: Parameters<typeof isSettled>[0];
  }) => {
    changes.attempt = Math.max(changes.attempt, context.attempt);
    changes.settled ||= isSettled(state);
  };
  try {
    const view = await supervisor.look(jobId);
    if (view === null) return false;
    note(view.record);
    const { backend } = view.record.submission;
    await readAgentLog(
      {
        stateDir,
        jobId,
        backend,
        attempt: () => changes.attempt,
        settled: () => changes.settled,
        from,
        follow,
        signal,
      },
      take,
    );
    return true;
  } finally {
    leave();
  }
}
