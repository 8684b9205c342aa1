import { refuse } from '../errors.js';

/** Refuses because a look of a thread broke. Of the problem a client gets the first line: the rest is its stack. */
export const brokenLook = (what: string, problem: unknown): ReturnType<typeof refuse> =>
  refuse('internal_error', { message: `The ${what} broke: ${String(problem).split('\n', 1)[0]}` });
