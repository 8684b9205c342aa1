import { join } from 'node:path';
import type { Submission } from '../../src/job/record.js';

const WEEK_SECONDS = 604_800;

/** A submission as a delegation of `task` for that repository makes it. */
export const submissionFor = (repository: string, task: string): Submission => ({
  kind: 'delegate',
  review: null,
  workspaceRoot: repository,
  subdirectory: '',
  repository: join(repository, '.git'),
  backend: 'command',
  model: null,
  reasoningEffort: null,
  isolation: 'inherit',
  profile: null,
  extraSettings: [],
  baseRef: null,
  continues: null,
  includeUntracked: false,
  label: null,
  groupId: null,
  client: 'client',
  priority: 0,
  parentJobId: null,
  depth: 1,
  idempotencyKey: null,
  deadlineSeconds: WEEK_SECONDS,
  taskBytes: Buffer.byteLength(task),
});
