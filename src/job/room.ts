import { type Outcome, refuse, succeed } from '../errors.js';
import type { Admission } from './admission.js';
import type { Place } from './fair-queue.js';
import type { WaitingLine } from './waiting-line.js';

/** A full queue empties by a job every so often; asking sooner is of no use. */
const RETRY_MS = 5_000;

export interface QueueLimits {
  maxQueued: number;
  maxQueuedPerClient: number;
  clientLimits: Readonly<Record<string, { maxQueued?: number }>>;
}

/** How many jobs wait, in all and of one client. */
interface Waiting {
  total: number;
  of(client: string): number;
}

/** `client` is null for the limit of all together. */
interface Passed {
  client: string | null;
  limit: number;
}

/** Room in the queue. Jobs on their way into the store take it too, as far as they will have to wait. */
export class Room {
  readonly #limits: QueueLimits;
  readonly #line: WaitingLine;
  readonly #admission: Pick<Admission, 'waiting'>;
  /** Of the jobs on their way into the store. */
  readonly #coming = new Set<Place>();

  constructor(limits: QueueLimits, line: WaitingLine, admission: Pick<Admission, 'waiting'>) {
    this.#limits = limits;
    this.#line = line;
    this.#admission = admission;
  }

  /** True when no job is on its way into the store. */
  isEmpty(): boolean {
    return this.#coming.size === 0;
  }

  /** Takes room for all of the jobs, or for none; the answer gives it back, once they are in line or refused. */
  take(requests: readonly { submission: Place }[]): Outcome<() => void> {
    const places = requests.map(({ submission: { repository, client } }) => ({ repository, client }));
    const clients = new Set(places.map(({ client }) => client));
    const all = [...this.#coming, ...places];
    // Counting exactly ends a burst, so it is done only where it decides.
    if (this.#passed(clients, this.#atMost(all)) !== null) {
      const passed = this.#passed(clients, this.#admission.waiting(all));
      if (passed !== null) return full(passed, this.#admission.waiting([...this.#coming]));
    }
    for (const place of places) this.#coming.add(place);
    return succeed(() => {
      for (const place of places) this.#coming.delete(place);
    });
  }

  /** The limit that so many are beyond; null if there is none. */
  #passed(clients: Iterable<string>, waiting: Waiting): Passed | null {
    const { maxQueued, maxQueuedPerClient, clientLimits } = this.#limits;
    if (waiting.total > maxQueued) return { client: null, limit: maxQueued };
    for (const client of clients) {
      const limit = clientLimits[client]?.maxQueued ?? maxQueuedPerClient;
      if (waiting.of(client) > limit) return { client, limit };
    }
    return null;
  }

  /** As if none of the jobs that come or were admitted just now had a permit. */
  #atMost(coming: readonly Place[]): Waiting {
    return {
      total: this.#line.size + coming.length,
      of: (wanted) => this.#line.waiting(wanted) + coming.filter(({ client }) => client === wanted).length,
    };
  }
}

function full({ client, limit }: Passed, waiting: Waiting): Outcome<never> {
  if (client === null) {
    const details = { queued: waiting.total, max_queued: limit };
    return refuse('queue_full', { retryAfterMs: RETRY_MS, details });
  }
  return refuse('queue_full', {
    message: `As many jobs of this client wait as may (max_queued_per_client, or max_queued of its token: ${limit}); nothing was accepted.`,
    retryAfterMs: RETRY_MS,
    details: { queued_by_client: waiting.of(client), max_queued_per_client: limit },
  });
}
