import { setImmediate as turn } from 'node:timers/promises';
import { type Admission, type Applicant, createAdmission, type Limits } from '../../src/job/admission.js';
import { newRecord } from '../../src/job/new-record.js';
import { turnOf } from '../../src/job/turn.js';
import { submission } from '../support/house.js';
import { Random } from './random.js';

/** Makes the admission under test; mutants make one that is wrong on purpose. */
export type MakeAdmission = (limits: Limits, start: (jobId: string) => Promise<void>) => Admission;

interface Waiting {
  applicant: Applicant;
  priority: number;
  since: number;
  /** How many jobs had started when it came. */
  cameAfter: number;
}

/** Ten minutes of waiting are worth one step of priority: README, "Many jobs, many clients". */
const STEP_MS = 600_000;
const JOBS = 60;

/** Clients that contend for few places, on a clock of their own, all from one seed. */
class Contention {
  readonly #random: Random;
  readonly #limits: Limits;
  readonly #admission: Admission;
  readonly #waiting = new Map<string, Waiting>();
  readonly #running = new Map<string, { applicant: Applicant; end: () => void }>();
  /** The number of the last start of each client. */
  readonly #lastStart = new Map<string, number>();
  readonly #events: { at: number; happen: () => void }[] = [];
  #now = 0;
  #starts = 0;
  broken: string | null = null;

  constructor(seed: number, make: MakeAdmission) {
    const random = new Random(seed);
    this.#random = random;
    const maxRunning = random.between(1, 6);
    this.#limits = {
      maxRunning,
      maxRunningPerRepo: random.between(1, maxRunning),
      maxRunningPerClient: random.between(1, maxRunning),
      clientLimits: random.chance(0.3) ? { c0: { maxRunning: random.between(1, maxRunning) } } : {},
    };
    this.#admission = make(this.#limits, (jobId) => this.#start(jobId));
    const clients = random.between(2, 6);
    const repositories = random.between(1, 4);
    // The first client asks for half of all work, early.
    for (let number = 1; number <= JOBS; number += 1) {
      const greedy = random.chance(0.5);
      const client = greedy ? 'c0' : `c${random.between(1, clients - 1)}`;
      const at = random.between(0, greedy ? STEP_MS : 6 * STEP_MS);
      this.#at(at, () => this.#arrive(number, client, `/${random.between(1, repositories)}`));
    }
  }

  /** Lets all come about, until no job waits or runs. */
  async run(): Promise<string | null> {
    while (this.#events.length > 0 && this.broken === null) {
      this.#events.sort((one, other) => one.at - other.at);
      const next = this.#events.shift();
      this.#now = next?.at ?? this.#now;
      next?.happen();
      await turn();
      const idle = [...this.#waiting.values()].find(({ applicant }) => this.#hasRoom(applicant));
      this.#hold(idle === undefined, `a place stays empty while ${idle?.applicant.jobId} could have it`);
    }
    this.#hold(this.#waiting.size === 0, 'every job that waits has its turn');
    return this.broken;
  }

  #at(at: number, happen: () => void): void {
    this.#events.push({ at, happen });
  }

  #arrive(number: number, client: string, repository: string): void {
    const priority = this.#random.between(-10, 10);
    const record = newRecord(submission({ client, repository, priority }), number, this.#now, 0);
    const jobId = `job-${number}`;
    const applicant = { jobId, repository, ...turnOf(record) };
    this.#waiting.set(jobId, { applicant, priority, since: this.#now, cameAfter: this.#starts });
    this.#admission.enqueue(applicant);
    if (this.#random.chance(0.1)) {
      this.#at(this.#now + this.#random.between(1, STEP_MS), () => {
        if (this.#waiting.delete(jobId)) this.#admission.withdraw(applicant);
      });
    }
  }

  #start(jobId: string): Promise<void> {
    const job = this.#waiting.get(jobId);
    this.#hold(job !== undefined, `${jobId} starts once, and only while it waits`);
    if (job === undefined) return Promise.resolve();
    const { applicant } = job;
    this.#hold(this.#hasRoom(applicant), `no limit is passed by ${jobId}`);
    this.#waiting.delete(jobId);
    this.#checkOrder(job);
    this.#checkTurn(applicant);
    this.#starts += 1;
    this.#lastStart.set(applicant.client, this.#starts);
    return new Promise((resolve) => {
      const end = () => {
        this.#running.delete(jobId);
        resolve();
      };
      this.#running.set(jobId, { applicant, end });
      this.#at(this.#now + this.#random.between(1, STEP_MS), end);
    });
  }

  /** Of the jobs of one client that may start, the first by priority, with what waiting has added to it. */
  #checkOrder({ applicant, priority, since }: Waiting): void {
    const aged = (priority: number, since: number) => priority + (this.#now - since) / STEP_MS;
    const better = [...this.#waiting.values()].find(
      (other) =>
        other.applicant.client === applicant.client &&
        this.#hasRoom(other.applicant) &&
        aged(other.priority, other.since) > aged(priority, since) + 1e-9,
    );
    this.#hold(better === undefined, `${better?.applicant.jobId} comes before ${applicant.jobId}`);
  }

  /** Between two starts of one client, every other one with a job that could start has had its turn. */
  #checkTurn({ client, jobId }: Applicant): void {
    const before = this.#lastStart.get(client);
    if (before === undefined) return;
    const passedOver = [...this.#waiting.values()].find(
      ({ applicant, cameAfter }) =>
        applicant.client !== client &&
        cameAfter < before &&
        (this.#lastStart.get(applicant.client) ?? 0) < before &&
        this.#hasRoom(applicant),
    );
    this.#hold(passedOver === undefined, `${passedOver?.applicant.jobId} is passed over by ${jobId}`);
  }

  #hasRoom({ client, repository }: Applicant): boolean {
    const running = [...this.#running.values()].map(({ applicant }) => applicant);
    const { maxRunning, maxRunningPerRepo, maxRunningPerClient, clientLimits } = this.#limits;
    return (
      running.length < maxRunning &&
      running.filter((other) => other.repository === repository).length < maxRunningPerRepo &&
      running.filter((other) => other.client === client).length <
        (clientLimits[client]?.maxRunning ?? maxRunningPerClient)
    );
  }

  #hold(holds: boolean, promise: string): void {
    if (!holds) this.broken ??= promise;
  }
}

/** Lets one contention come about; gives the first promise that did not hold, null if all did. */
export const contend = (seed: number, make: MakeAdmission = createAdmission): Promise<string | null> =>
  new Contention(seed, make).run();
