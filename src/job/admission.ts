import PQueue from 'p-queue';
import { type Applicant, type FairOptions, FairQueue } from './fair-queue.js';

export type { Applicant } from './fair-queue.js';

export interface Limits {
  maxRunning: number;
  maxRunningPerRepo: number;
  maxRunningPerClient: number;
  clientLimits: Readonly<Record<string, { maxRunning?: number }>>;
}

/** Lets queued jobs start, by turns of their clients, under the limits of machine, repository and client. */
export interface Admission {
  enqueue(applicant: Applicant): void;
  /** Gives a slot at once to a job whose agent may be alive already, above the limits if need be. */
  occupy(applicant: Applicant): void;
  /** Admits nothing more. */
  pause(): void;
}

/**
 * `start` is called when a job has a slot; the slot is free again when its promise settles, which must not be
 * before the job's processes are dead. It is to return at once for a job that no longer waits, and not to reject.
 *
 * One p-queue for the machine, whose line passes over what its repository or its client has no room for. With
 * a p-queue for each of them, one in the other, jobs that wait for the inner hold the outer one's slots idle.
 */
export function createAdmission(limits: Limits, start: (jobId: string) => Promise<void>): Admission {
  const perRepository = new Counts();
  const perClient = new Counts();
  const hasRoom = ({ repository, turn }: Applicant) =>
    perRepository.of(repository) < limits.maxRunningPerRepo &&
    perClient.of(turn.client) < (limits.clientLimits[turn.client]?.maxRunning ?? limits.maxRunningPerClient);
  let occupied = 0;
  const queue = new PQueue<FairQueue, FairOptions>({
    concurrency: limits.maxRunning,
    queueClass: class extends FairQueue {
      constructor() {
        super(hasRoom);
      }
    },
  });

  /** The end of one job may make room for several: setting the limit has the queue look at all that wait. */
  const lookAgain = () => {
    queue.concurrency = Math.max(limits.maxRunning, occupied);
  };
  const run = async ({ jobId, repository, turn }: Applicant) => {
    perRepository.add(repository, 1);
    perClient.add(turn.client, 1);
    try {
      await start(jobId);
    } finally {
      perRepository.add(repository, -1);
      perClient.add(turn.client, -1);
    }
  };

  return {
    enqueue: (applicant) => void queue.add(() => run(applicant), { applicant }).then(lookAgain),
    occupy(applicant) {
      occupied += 1;
      const work = async () => {
        await run(applicant);
        // Before the queue itself hears of the end: else it would give the extra slot to the next in line.
        occupied -= 1;
        lookAgain();
      };
      void queue.add(work).then(lookAgain);
      lookAgain();
    },
    pause: () => queue.pause(),
  };
}

/** How many of each name there are. */
class Counts {
  readonly #counts = new Map<string, number>();

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  add(name: string, difference: number): void {
    const count = this.of(name) + difference;
    if (count === 0) this.#counts.delete(name);
    else this.#counts.set(name, count);
  }
}
