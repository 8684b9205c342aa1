import PQueue from 'p-queue';

export interface Limits {
  maxRunning: number;
  maxRunningPerRepo: number;
}

/** Lets queued jobs start, in order, under the limits of the machine and of each repository. */
export interface Admission {
  /** Puts a job into the line of its repository. */
  enqueue(jobId: string, repository: string): void;
  /** Gives a slot at once to a job whose agent may be alive already, above the limits if need be. */
  occupy(jobId: string, repository: string): void;
  /** Admits nothing more. */
  pause(): void;
}

/**
 * `start` is called when a job has a slot; the slot is free again when its promise settles, which must not be
 * before the job's processes are dead. It is to return at once for a job that no longer waits, and not to reject.
 */
export function createAdmission(limits: Limits, start: (jobId: string) => Promise<void>): Admission {
  const machine = new Line(limits.maxRunning);
  const repositories = new Map<string, Line>();

  const lineOf = (repository: string): Line => {
    const known = repositories.get(repository);
    if (known !== undefined) return known;
    const line = new Line(limits.maxRunningPerRepo);
    repositories.set(repository, line);
    line.whenEmpty(() => repositories.delete(repository));
    return line;
  };

  return {
    // The repository's line outside, the machine's inside: the other way round, jobs that wait for their
    // repository would hold the machine's slots.
    enqueue: (jobId, repository) => void lineOf(repository).add(() => machine.add(() => start(jobId))),
    occupy: (jobId, repository) => void lineOf(repository).occupy(() => machine.occupy(() => start(jobId))),
    pause: () => machine.pause(),
  };
}

/** A p-queue whose limit can be passed by jobs that run already, and by nothing else. */
class Line {
  readonly #queue: PQueue;
  readonly #limit: number;
  #occupied = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#queue = new PQueue({ concurrency: limit });
  }

  add(work: () => Promise<void>): Promise<void> {
    return this.#queue.add(work);
  }

  occupy(work: () => Promise<void>): Promise<void> {
    this.#occupied += 1;
    this.#adjust();
    const workThenGiveBack = async () => {
      try {
        await work();
      } finally {
        // Before the queue itself hears of the end: else it would give the extra slot to the next in line.
        this.#occupied -= 1;
        this.#adjust();
      }
    };
    return this.#queue.add(workThenGiveBack, { priority: 1 });
  }

  pause(): void {
    this.#queue.pause();
  }

  whenEmpty(callback: () => void): void {
    this.#queue.on('idle', callback);
  }

  #adjust(): void {
    this.#queue.concurrency = Math.max(this.#limit, this.#occupied);
  }
}
