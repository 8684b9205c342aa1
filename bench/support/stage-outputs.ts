import type { DiffOutput, RunOutput, WorktreeOutput } from '../../machines/job.js';

/** What the stages of a job answer that are only played: a worktree, an agent that did it, and its patch. */
export const stageOutputs: { worktree: WorktreeOutput; run: RunOutput; diff: DiffOutput } = {
  worktree: { ok: true, worktree: { path: '/slot/wt', baselineCommit: 'c0ffee', warnings: [] } },
  run: {
    ok: true,
    run: {
      exitCode: 0,
      summary: 'Did it.',
      threadId: 'thread',
      usage: null,
      containment: 'namespace',
      warnings: [],
    },
  },
  diff: { ok: true, patch: { bytes: 3, sha256: 'ab', files: 1, added: 1, removed: 0, warnings: [] } },
};
