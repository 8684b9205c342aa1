import type { Outcome } from '../errors.js';
import type { RecordRow } from './sqlite-rows.js';
import type { JobTables } from './sqlite-tables.js';

/** The calls that the thread answers. */
export type StoreCall = keyof JobTables;

/** What a call is answered with; pages of rows come before an empty one. */
export type Answer<Call extends StoreCall> = Call extends 'unsettled'
  ? RecordRow[]
  : ReturnType<JobTables[Call]>;

/** The first message of the thread. It ends after a refusal. */
export type Opening = Outcome<{ setAside: string | null }>;

export interface TableRequest {
  id: number;
  call: StoreCall;
  parameters: readonly unknown[];
}

/**
 * To the thread, which is sent whatever was asked for in one turn at once. Calls take effect in their order; `close`
 * is the last.
 */
export type StoreRequest = TableRequest | { call: 'close' } | { nextPageOf: number };

/**
 * From the thread, with whatever else was committed at once. A request is answered once, by a value or a problem.
 * Pages of rows may come before, each but the first two when it is asked for: the main thread does other things
 * between them.
 */
export type StoreMessage =
  | { id: number; value: unknown }
  | { id: number; problem: string }
  | { id: number; rows: readonly RecordRow[] };
