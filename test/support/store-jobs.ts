import { createHash } from 'node:crypto';
import type { JobState } from '../../machines/job.js';
import { newRecord } from '../../src/job/new-record.js';
import { isSettled, type JobKind, type JobRecord, type JournalEntry } from '../../src/job/record.js';
import type { NewJob } from '../../src/store/store.js';
import { submission } from './house.js';

export const NOW = Date.UTC(2026, 0, 1);

/** The same id for the same sequence, in the form of a job id. */
export const jobId = (sequence: number): string =>
  createHash('sha256').update(String(sequence)).digest('hex').slice(0, 32);

interface Particulars {
  repository?: string;
  label?: string | null;
  groupId?: string | null;
  kind?: JobKind;
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
    kind = 'delegate',
    key = null,
    task = `task ${sequence}`,
  } = particulars;
  const id = jobId(sequence);
  const submitted = submission({
    kind,
    workspaceRoot: '/project',
    repository,
    backend: 'codex-exec',
    continues: {
      jobId: jobId(0),
      baselineCommit: 'c0ffee',
      patch: { bytes: 1, sha256: 'ab' },
      threadId: 'thread',
      threadUsage: null,
    },
    label,
    groupId,
    idempotencyKey: key,
    deadlineSeconds: 1_800,
    taskBytes: Buffer.byteLength(task),
  });
  const accepted = newRecord(submitted, sequence, NOW, 86_400);
  const record = { ...accepted, id, context: { ...accepted.context, jobId: id } };
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
