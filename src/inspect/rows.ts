import { isSettled } from '../job/record.js';
import type { JobView } from '../job/supervisor.js';
import type { JobFigures, JobRow } from './frames.js';

/** The row of a job. Field by field: what is not named here, such as the task, leaves with nobody. */
export function rowOf(view: JobView): JobRow {
  const { submission, context, state } = view.record;
  return {
    ...figuresOf(view),
    label: submission.label,
    workspaceRoot: submission.workspaceRoot,
    groupId: submission.groupId,
    activity: isSettled(state) ? null : context.progress.activity,
  };
}

/** What of a row tells nothing but states, events, instants and counts. */
export function figuresOf({ record, queuePosition }: JobView): JobFigures {
  const { context } = record;
  const { patch, progress } = context;
  return {
    id: record.id,
    sequence: record.sequence,
    state: record.state,
    ending: context.ending?.kind ?? null,
    errorCode: context.ending?.code ?? null,
    entered: record.entered,
    attempt: context.attempt,
    deadlineAt: record.deadlineAt,
    retryAt: record.retryAt,
    queuePosition,
    events: progress.events,
    lastEventAt: progress.lastEventAt,
    usage: context.run?.usage ?? progress.usage,
    patch: patch && {
      bytes: patch.bytes,
      files: patch.files,
      added: patch.added,
      removed: patch.removed,
    },
    backend: record.submission.backend,
  };
}
