import { isSettled } from '../job/record.js';
import type { JobView } from '../job/supervisor.js';
import type { JobRow } from './frames.js';

/** The row of a job. Field by field: what is not named here, such as the task, leaves with nobody. */
export function rowOf({ record, queuePosition }: JobView): JobRow {
  const { id, sequence, state, context, submission, entered, deadlineAt, retryAt } = record;
  const { ending, attempt, patch, progress, run } = context;
  return {
    id,
    sequence,
    kind: submission.kind,
    state,
    ending: ending === null ? null : ending.kind,
    errorCode: ending === null ? null : ending.code,
    entered,
    attempt,
    deadlineAt,
    retryAt,
    queuePosition,
    events: progress.events,
    lastEventAt: progress.lastEventAt,
    usage: run?.usage ?? progress.usage,
    patch:
      patch === null
        ? null
        : { bytes: patch.bytes, files: patch.files, added: patch.added, removed: patch.removed },
    backend: submission.backend,
    label: submission.label,
    workspaceRoot: submission.workspaceRoot,
    groupId: submission.groupId,
    activity: isSettled(state) ? null : progress.activity,
  };
}
