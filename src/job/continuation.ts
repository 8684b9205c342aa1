import type { Usage } from '../../machines/job.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import type { Continuation, JobRecord, Submission } from './record.js';

/**
 * What a follow-up takes over from a settled job: where it began, its patch and its thread. However the job
 * ended, it can be continued if it left these. Else refuses with `cannot_continue`.
 */
export function continuationOf(
  { id, submission, context }: JobRecord,
  backend: Submission['backend'],
): Outcome<Continuation> {
  // A thread of Codex can go on either way: in a process of its own, or in a shared one.
  if ((submission.backend === 'command') !== (backend === 'command')) {
    return cannot(`It ran with the ${submission.backend} backend, and new jobs run with ${backend}.`);
  }
  const { worktree, patch, run } = context;
  const baselineCommit = worktree?.baselineCommit ?? null;
  if (baselineCommit === null || patch === null) return cannot('It left no patch.');
  const threadId = run?.threadId ?? submission.continues?.threadId ?? null;
  // A command has no thread: the next one begins with the files as the last one left them.
  if (threadId === null && backend !== 'command') return cannot('Its agent began no thread.');
  return succeed({
    jobId: id,
    baselineCommit,
    patch: { bytes: patch.bytes, sha256: patch.sha256 },
    threadId,
    threadUsage: sum(submission.continues?.threadUsage ?? null, run?.usage ?? null),
  });
}

const cannot = (why: string) => refuse('cannot_continue', { message: `The job cannot be continued. ${why}` });

function sum(before: Usage | null, own: Usage | null): Usage | null {
  if (before === null || own === null) return before ?? own;
  return {
    inputTokens: before.inputTokens + own.inputTokens,
    cachedInputTokens: before.cachedInputTokens + own.cachedInputTokens,
    outputTokens: before.outputTokens + own.outputTokens,
    reasoningOutputTokens: before.reasoningOutputTokens + own.reasoningOutputTokens,
  };
}
