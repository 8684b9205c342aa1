import { createHash } from 'node:crypto';
import type { Work } from './fields.js';

/**
 * Identity of the work that a caller asks for, SHA-256 in hexadecimal. It counts what the caller passed, with
 * an argument left out equal to its default; settings of the daemon do not count, nor does how long the caller
 * waits. `workspace` is the real path of the directory, so that two spellings of it are one; `together` is how many jobs
 * the call asks for, so that no longer or shorter batch passes for the first one.
 */
export function argumentsHash(input: Work, workspace: string, together = 1): string {
  const canonical = JSON.stringify([
    input.task,
    workspace,
    input.model ?? null,
    input.reasoning_effort ?? null,
    input.isolation,
    input.base_ref ?? null,
    input.deadline_seconds ?? null,
    input.label ?? null,
    ...(input.include_untracked ? ['include_untracked'] : []),
    ...(input.continues === undefined ? [] : [`continues ${input.continues}`]),
    ...(input.priority === 0 ? [] : [`priority ${input.priority}`]),
    ...(together === 1 ? [] : [`one of ${together}`]),
    ...(input.group_id === undefined ? [] : [`group ${input.group_id}`]),
    ...(input.profile === undefined ? [] : [`profile ${input.profile}`]),
    ...(input.extra_args?.length ? [['extra_args', ...input.extra_args]] : []),
    ...(input.kind === 'delegate' ? [] : [input.kind, input.review]),
  ]);
  return createHash('sha256').update(canonical).digest('hex');
}
