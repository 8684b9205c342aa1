import type { JobRecord } from './record.js';

/** What decides when a waiting job's turn comes. */
export interface Turn {
  /** Whoever asked for the job: clients take turns. */
  client: string;
  /** Order among the jobs of one client: higher first. */
  rank: number;
  /** Order of acceptance, for equal ranks. */
  sequence: number;
}

/** Waiting this long is worth one step of priority, so that nothing waits for ever. */
export const AGING_MS = 10 * 60_000;

/**
 * The priority of a job rises by one for each ten minutes that it waits. All jobs age alike, so which of two
 * comes first never changes, and the rank can be fixed when the job is accepted.
 */
export const turnOf = ({ submission, entered, sequence }: JobRecord): Turn => ({
  client: submission.client,
  rank: submission.priority * AGING_MS - (entered.queued ?? 0),
  sequence,
});

/** Negative when `a` comes before `b`, both of one client. */
export const compareTurns = (a: Turn, b: Turn): number => b.rank - a.rank || a.sequence - b.sequence;
