import { type Outcome, refuse, succeed } from '../errors.js';
import type { SubmitRequest } from './supervisor.js';
import type { WaitingLine } from './waiting-line.js';

/** A full queue empties by a job every so often; asking sooner is of no use. */
const RETRY_MS = 5_000;

export interface QueueLimits {
  maxQueued: number;
  maxQueuedPerClient: number;
  clientLimits: Readonly<Record<string, { maxQueued?: number }>>;
}

/** Room in the queue. Jobs on their way into the store take it too. */
export class Room {
  readonly #limits: QueueLimits;
  readonly #line: WaitingLine;
  readonly #accepting = new Map<string, number>();

  constructor(limits: QueueLimits, line: WaitingLine) {
    this.#limits = limits;
    this.#line = line;
  }

  /** True when no job is on its way into the store. */
  isEmpty(): boolean {
    return this.#accepting.size === 0;
  }

  /** Takes room for all of the jobs, or for none; the answer gives it back, once they are in line or refused. */
  take(requests: readonly SubmitRequest[]): Outcome<() => void> {
    const { maxQueued, maxQueuedPerClient, clientLimits } = this.#limits;
    const queued = this.#line.size + [...this.#accepting.values()].reduce((sum, count) => sum + count, 0);
    if (queued + requests.length > maxQueued) return full({ queued, max_queued: maxQueued });
    const own = new Map<string, number>();
    for (const { submission } of requests) own.set(submission.client, (own.get(submission.client) ?? 0) + 1);
    for (const [client, count] of own) {
      const waiting = this.#line.waiting(client) + (this.#accepting.get(client) ?? 0);
      const limit = clientLimits[client]?.maxQueued ?? maxQueuedPerClient;
      if (waiting + count > limit) {
        return full({ queued_by_client: waiting, max_queued_per_client: limit });
      }
    }
    for (const [client, count] of own) this.#add(client, count);
    return succeed(() => {
      for (const [client, count] of own) this.#add(client, -count);
    });
  }

  #add(client: string, difference: number): void {
    const count = (this.#accepting.get(client) ?? 0) + difference;
    if (count === 0) this.#accepting.delete(client);
    else this.#accepting.set(client, count);
  }
}

const full = (details: Record<string, number>) => refuse('queue_full', { retryAfterMs: RETRY_MS, details });
