import { type Outcome, refuse, succeed } from '../errors.js';
import type { NewJob, Store } from '../store/store.js';
import type { JobRecord } from './record.js';

/** A job that is new, or the id of the one that its idempotency key started before. */
export type Accepted = { record: JobRecord; knownId: null } | { record: null; knownId: string };

/**
 * Makes jobs durable, all or none, and answers for each what became of it. Refuses when a key was used for
 * other arguments, or when the job that it started is gone.
 */
export async function accept(store: Store, jobs: readonly NewJob[]): Promise<Outcome<Accepted[]>> {
  if (jobs.length === 0) return succeed([]);
  const created = await store.create(jobs);
  if (created.ok) return succeed(jobs.map(({ record }) => ({ record, knownId: null })));
  for (const key of created.known) {
    if (key !== null && !key.sameArguments) return refuse('idempotency_conflict');
    if (key?.gone) return refuse('idempotency_result_unavailable');
  }
  // Nothing was created, because some keys are known: now only the others.
  const fresh = await accept(
    store,
    jobs.filter((_, index) => created.known[index] === null),
  );
  if (!fresh.ok) return fresh;
  const rest = [...fresh.value];
  return succeed(
    created.known.map((key) =>
      key === null ? (rest.shift() as Accepted) : { record: null, knownId: key.jobId },
    ),
  );
}
