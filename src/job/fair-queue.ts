import { Counts } from './counts.js';
import { compareTurns, putInOrder, type Turn, takeOut } from './turn.js';

/** What the limits on running jobs count by. */
export interface Place {
  repository: string;
  client: string;
}

/** What admission looks at of a job. */
export interface Applicant extends Turn, Place {
  jobId: string;
}

/** The waiting jobs of one client, by repository, each line in the order of its turns. */
type ClientLines = Map<string, Applicant[]>;

/**
 * The line in which clients take turns: each gives the best of its jobs that may start now, then stands at the
 * end again, whatever it has waiting. A client without such a job keeps its place.
 */
export class FairQueue {
  readonly #mayStart: (applicant: Applicant) => boolean;
  /** In the order of their turns: a Map keeps the order of insertion. */
  readonly #clients = new Map<string, ClientLines>();

  constructor(mayStart: (applicant: Applicant) => boolean) {
    this.#mayStart = mayStart;
  }

  add(applicant: Applicant): void {
    const { client, repository } = applicant;
    const lines: ClientLines = this.#clients.get(client) ?? new Map();
    const line = lines.get(repository) ?? [];
    this.#clients.set(client, lines.set(repository, line));
    putInOrder(line, applicant);
  }

  /** Takes out a job that waits no more; none is there if it had its turn. */
  remove({ client, repository, ...turn }: Applicant): void {
    const lines = this.#clients.get(client);
    const line = lines?.get(repository);
    if (lines === undefined || line === undefined) return;
    takeOut(line, { client, ...turn });
    if (line.length === 0) lines.delete(repository);
    if (lines.size === 0) this.#clients.delete(client);
  }

  /** Takes out the job whose turn it is: that of the first client with one that may start. */
  take(): Applicant | undefined {
    for (const [client, lines] of this.#clients) {
      const line = this.#bestOf(lines);
      const applicant = line?.shift();
      if (line === undefined || applicant === undefined) continue;
      if (line.length === 0) lines.delete(applicant.repository);
      this.#clients.delete(client);
      if (lines.size > 0) this.#clients.set(client, lines);
      return applicant;
    }
    return undefined;
  }

  /** How many jobs of each client wait. */
  sizes(): Counts {
    const sizes = new Counts();
    for (const [client, lines] of this.#clients) {
      for (const line of lines.values()) sizes.add(client, line.length);
    }
    return sizes;
  }

  /** The line whose first job has the best turn of those that may start. */
  #bestOf(lines: ClientLines): Applicant[] | undefined {
    let best: Applicant[] | undefined;
    for (const line of lines.values()) {
      const head = line[0];
      if (head === undefined || !this.#mayStart(head)) continue;
      const leader = best?.[0];
      if (leader === undefined || compareTurns(head, leader) < 0) best = line;
    }
    return best;
  }
}
