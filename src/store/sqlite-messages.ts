import type { Outcome } from '../errors.js';
import type { Store } from './store.js';

/** The calls that the thread answers, by their names in the store. */
export type StoreCall = Exclude<keyof Store, 'close'>;

export type Answer<Call extends StoreCall> = Awaited<ReturnType<Store[Call]>>;

/** The first message of the thread. It ends after a refusal. */
export type Opening = Outcome<{ setAside: string | null }>;

export interface TableRequest {
  id: number;
  call: StoreCall;
  parameters: readonly unknown[];
}

/** To the thread. Calls take effect in the order in which they were sent; `close` is the last. */
export type StoreRequest = TableRequest | { call: 'close' } | { nextPageOf: number };

/**
 * From the thread. A request is answered once, by a value or a problem. Pages of rows may come before, each but the
 * first when it is asked for: the main thread does other things between them.
 */
export type StoreMessage =
  | { id: number; value: unknown }
  | { id: number; problem: string }
  | { id: number; rows: readonly unknown[] }
  | { unreadable: Unreadable };

/** A row that is kept although it cannot be understood. */
export interface Unreadable {
  jobId: string;
  /** Where and how it does not fit; holds no value of the row. */
  problem: string;
}
