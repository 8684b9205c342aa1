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
export const turnOf = (record: JobRecord): Turn => ({
  client: record.submission.client,
  rank: rankOf(record.submission.priority, risesFrom(record)),
  sequence: record.sequence,
});

export const risesFrom = (record: JobRecord): number => record.risesFrom ?? record.entered.queued ?? 0;

/** Rank of a job that rises from an instant on. */
export const rankOf = (priority: number, from: number): number => priority * AGING_MS - from;

/** Negative when `a` comes before `b`, both of one client. */
export const compareTurns = (a: Turn, b: Turn): number => b.rank - a.rank || a.sequence - b.sequence;

/** Index of the first of the ordered `turns` that does not come before `turn`. */
export function placeOf(turns: readonly Turn[], turn: Turn): number {
  let low = 0;
  let high = turns.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareTurns(turns[middle] as Turn, turn) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Puts a turn at its place among those of one client. */
export const putInOrder = <Each extends Turn>(turns: Each[], turn: Each): void =>
  void turns.splice(placeOf(turns, turn), 0, turn);

/** Takes a turn out of those of one client; false if it was not among them. */
export function takeOut(turns: Turn[], turn: Turn): boolean {
  const place = placeOf(turns, turn);
  if (turns[place]?.sequence !== turn.sequence) return false;
  turns.splice(place, 1);
  return true;
}
