import { consult } from './consult.js';
import { consultAsync } from './consult-async.js';
import { delegate } from './delegate.js';
import { delegateAsync } from './delegate-async.js';
import { delegateBatch } from './delegate-batch.js';
import { delegateDryRun } from './delegate-dry-run.js';
import { jobCancel } from './job-cancel.js';
import { jobConsumeResult } from './job-consume-result.js';
import { jobList } from './job-list.js';
import { jobResult } from './job-result.js';
import { jobStatus } from './job-status.js';
import { jobWait } from './job-wait.js';
import { models } from './models.js';
import type { Operation } from './operation.js';
import { reviewChanges } from './review-changes.js';
import { reviewChangesAsync } from './review-changes-async.js';
import { status } from './status.js';

/** Every verb that a client may call, in the order in which clients list them. */
export const verbs = {
  delegateAsync,
  delegate,
  delegateBatch,
  delegateDryRun,
  consultAsync,
  consult,
  reviewChangesAsync,
  reviewChanges,
  jobWait,
  jobResult,
  jobConsumeResult,
  jobStatus,
  jobCancel,
  jobList,
  status,
  models,
};

export const operations: readonly Operation[] = Object.values(verbs);
