import PQueue from 'p-queue';
import type { Outcome } from '../errors.js';
import type { Preview } from '../git/preview.js';
import type { StagePool } from '../pool/pool.js';
import { brokenLook } from './broken-look.js';
import type { Submission } from './record.js';

/** Each runs git for a while: jobs come first. */
const AT_ONCE = 2;

/** Looks what a job would start from, a few at a time. */
export function createPreviews(
  pool: StagePool,
): (
  submission: Pick<Submission, 'workspaceRoot' | 'baseRef' | 'includeUntracked'>,
) => Promise<Outcome<Preview>> {
  const queue = new PQueue({ concurrency: AT_ONCE });
  return ({ workspaceRoot, baseRef, includeUntracked }) =>
    queue.add(() =>
      pool
        .run('preview', { submission: { workspaceRoot, baseRef, includeUntracked } })
        .catch((problem: unknown) => brokenLook('preview', problem)),
    );
}
