import { createHash } from 'node:crypto';
import type { JobState } from '../../machines/job.js';
import { isSettled, type JobRecord, type JournalEntry } from '../../src/job/record.js';
import type { NewJob } from '../../src/store/store.js';

export const NOW = Date.UTC(2026, 0, 1);

/** The same id for the same sequence, in the form of a job id. */
export const jobId = (sequence: number): string =>
  createHash('sha256').update(String(sequence)).digest('hex').slice(0, 32);

interface Particulars {
  repository?: string;
  label?: string | null;
  groupId?: string | null;
  key?: string | null;
  argumentsHash?: string;
  task?: string;
}

/** A job as it is when it is accepted. */
export function newJob(sequence: number, particulars: Particulars = {}): NewJob {
  const {
    repository = '/project/.git',
    label = null,
    groupId = null,
    key = null,
    task = `task ${sequence}`,
  } = particulars;
  const id = jobId(sequence);
  const record: JobRecord = {
    id,
    sequence,
    state: 'queued',
    context: {
      jobId: id,
      ending: null,
      worktree: null,
      progress: { events: 0, lastEventAt: null, activity: null, usage: null },
      run: null,
      patch: null,
      attempt: 1,
      failedAttempts: [],
      lostThreads: 0,
    },
    submission: {
      kind: 'delegate',
      review: null,
      workspaceRoot: '/project',
      subdirectory: '',
      repository,
      backend: 'codex-exec',
      model: null,
      reasoningEffort: null,
      isolation: 'inherit',
      profile: null,
      extraSettings: [],
      baseRef: null,
      continues: {
        jobId: jobId(0),
        baselineCommit: 'c0ffee',
        patch: { bytes: 1, sha256: 'ab' },
        threadId: 'thread',
        threadUsage: null,
      },
      includeUntracked: false,
      label,
      groupId,
      client: 'client',
      priority: 0,
      parentJobId: null,
      depth: 1,
      idempotencyKey: key,
      deadlineSeconds: 1_800,
      taskBytes: Buffer.byteLength(task),
    },
    entered: { queued: NOW },
    queueDeadlineAt: NOW + 86_400_000,
    deadlineAt: null,
    retryAt: null,
    expiresAt: null,
    announce: false,
  };
  return { record, task, argumentsHash: particulars.argumentsHash ?? 'hash', entry: entryOf('queued') };
}

export const entryOf = (state: JobState, reason: string | null = null): JournalEntry => ({
  at: NOW,
  state,
  event: `to.${state}`,
  reason,
});

/** The record as it is once its job is in `state`; a settled one expires at `expiresAt`, and is to be announced. */
export const moved = (record: JobRecord, state: JobState, expiresAt = NOW): JobRecord => ({
  ...record,
  state,
  entered: { ...record.entered, [state]: NOW },
  expiresAt: isSettled(state) ? expiresAt : null,
  announce: isSettled(state),
});
