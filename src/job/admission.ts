import PQueue from 'p-queue';
import { atOnce, type Timing } from './burst.js';
import { Counts } from './counts.js';
import { type Applicant, FairQueue, type Place } from './fair-queue.js';

export type { Applicant } from './fair-queue.js';

export interface Limits {
  maxRunning: number;
  maxRunningPerRepo: number;
  maxRunningPerClient: number;
  clientLimits: Readonly<Record<string, { maxRunning?: number }>>;
}

/** Lets queued jobs start, by turns of their clients, under the limits of machine, repository and client. */
export interface Admission {
  /** So many jobs come: each will be enqueued, or refused. */
  expect(jobs: number): void;
  enqueue(applicant: Applicant): void;
  /** Takes a job that waits no more out of the line. */
  withdraw(applicant: Applicant): void;
  /**
   * How many jobs of each client have to wait if these come now: of those in line and of these, those for which no
   * permit is free. Permits that are free are given to the line first, also in a burst.
   */
  waiting(coming: readonly Place[]): Counts;
  /** Gives a permit at once to a job whose agent may be alive already, above the limits if need be. */
  occupy(applicant: Applicant): void;
  /** Admits nothing more. */
  pause(): void;
}

/**
 * `start` is called when a job has a permit; the permit is free again when its promise settles, which must not be
 * before the job's processes are dead. It is to return at once for a job that no longer waits, and not to reject.
 * `timing` is for jobs that come; a permit that is free again is given on at once.
 *
 * A p-queue counts those that run. It is given what may start at once, never what waits: the line passes over
 * what its repository or its client has no room for, and a waiting job costs no promise. With a p-queue for each
 * of the limits, one in the other, jobs that wait for the inner hold the outer one's permits idle.
 */
export function createAdmission(
  limits: Limits,
  start: (jobId: string) => Promise<void>,
  timing: Timing = atOnce,
): Admission {
  const perRepository = new Counts();
  const perClient = new Counts();
  const mayStart = ({ repository, client }: Place) =>
    perRepository.of(repository) < limits.maxRunningPerRepo &&
    perClient.of(client) < (limits.clientLimits[client]?.maxRunning ?? limits.maxRunningPerClient);
  const count = ({ repository, client }: Place, difference: number) => {
    perRepository.add(repository, difference);
    perClient.add(client, difference);
  };
  const line = new FairQueue(mayStart);
  const queue = new PQueue({ concurrency: limits.maxRunning });
  let occupied = 0;

  const admit = () => {
    while (!queue.isPaused && queue.pending < queue.concurrency) {
      const next = line.take();
      if (next === undefined) return;
      void queue.add(() => run(next));
    }
  };
  const admitSoon = timing(admit);
  // One that ends may make room for several, of other repositories and clients.
  queue.on('next', admit);

  const run = async (applicant: Applicant) => {
    count(applicant, 1);
    try {
      await start(applicant.jobId);
    } finally {
      count(applicant, -1);
    }
  };
  const occupy = (difference: number) => {
    occupied += difference;
    queue.concurrency = Math.max(limits.maxRunning, occupied);
  };

  return {
    expect: admitSoon.expect,
    enqueue(applicant) {
      line.add(applicant);
      admitSoon.ask();
    },
    withdraw: (applicant) => line.remove(applicant),
    waiting(coming) {
      admit();
      const waiting = line.sizes();
      const starting: Place[] = [];
      for (const place of coming) {
        const free = !queue.isPaused && queue.pending + starting.length < queue.concurrency;
        if (free && mayStart(place)) {
          starting.push(place);
          count(place, 1);
        } else waiting.add(place.client, 1);
      }
      for (const place of starting) count(place, -1);
      return waiting;
    },
    occupy(applicant) {
      occupy(1);
      // The extra permit is gone before the queue looks for the next.
      void queue.add(() => run(applicant).then(() => occupy(-1)));
    },
    pause: () => queue.pause(),
  };
}
