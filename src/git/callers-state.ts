import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { headCommit, ONLY_GIT_KNOWS } from './head.js';
import { promptLook } from './look.js';
import type { Repository } from './repository.js';

/** How far the caller's own git is: what it writes where it changes their files. */
export interface CallersState {
  /** Commit that HEAD is at, or `ONLY_GIT_KNOWS`; null where it leads nowhere. */
  head: string | null;
  /** Another one when the index was written anew. */
  index: string;
  /** A git changes their files now, or died while it did. */
  atWork: boolean;
}

/**
 * Looks at the caller's repository, by files alone. A git that changes files holds `index.lock` meanwhile and writes the
 * new index into it as the last thing: one that has content is of a git that only waits, as for an editor.
 */
export async function lookAtCaller({ gitDirectory, commonDirectory }: Repository): Promise<CallersState> {
  const index = promptLook.at(join(gitDirectory, 'index'));
  const lock = promptLook.at(join(gitDirectory, 'index.lock'));
  return {
    head: await headCommit(gitDirectory, commonDirectory, promptLook),
    index: [index?.ino, index?.size, index?.mtimeMs].join(' '),
    atWork: lock?.size === 0,
  };
}

const PAUSE_MS = 20;

/** The state in which nobody is at work, or the one when there is no time left. */
export async function whenAtRest(repository: Repository, hasTime: () => boolean): Promise<CallersState> {
  for (;;) {
    const state = await lookAtCaller(repository);
    if (!state.atWork || !hasTime()) return state;
    await delay(PAUSE_MS);
  }
}

/** Whether nothing of the caller's was changed by a git between two looks. */
export const isSame = (one: CallersState, other: CallersState): boolean =>
  one.head === other.head && one.index === other.index && !one.atWork && !other.atWork;

/** Whether HEAD is at another commit than that. */
export const hasMovedFrom = ({ head }: CallersState, commit: string): boolean =>
  head !== commit && head !== ONLY_GIT_KNOWS;
