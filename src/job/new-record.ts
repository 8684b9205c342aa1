import { randomUUID } from 'node:crypto';
import { getInitialSnapshot } from 'xstate';
import { jobMachine } from '../../machines/job.js';
import type { JobRecord, Submission } from './record.js';

/** The machine's own first context. Making it takes a while, and only the id differs. */
const firstContext = getInitialSnapshot(jobMachine, { jobId: '' }).context;

/** A job as it is accepted: queued, nothing done. */
export function newRecord(
  submission: Submission,
  sequence: number,
  now: number,
  queueSeconds: number,
  risesFrom = now,
): JobRecord {
  const id = randomUUID().replaceAll('-', '');
  return {
    id,
    sequence,
    state: 'queued',
    context: { ...firstContext, jobId: id },
    submission,
    entered: { queued: now },
    risesFrom,
    queueDeadlineAt: now + queueSeconds * 1_000,
    deadlineAt: null,
    retryAt: null,
    expiresAt: null,
    announce: false,
  };
}
