import type { Queue, QueueAddOptions } from 'p-queue';
import TinyQueue from 'tinyqueue';
import { compareTurns, type Turn } from './turn.js';

type Run = () => Promise<unknown>;

/** What admission looks at of a job. */
export interface Applicant {
  jobId: string;
  repository: string;
  turn: Turn;
}

export interface FairOptions extends QueueAddOptions {
  /** Left out for what comes before everybody's turn. */
  applicant?: Applicant;
}

interface Waiting {
  applicant: Applicant;
  turn: Turn;
  run: Run;
}

/** The waiting jobs of one client, by repository, each line in the order of its turns. */
type ClientLines = Map<string, TinyQueue<Waiting>>;

/**
 * The line of a p-queue in which clients take turns: each gives the best of its jobs that may start now, then
 * stands at the end again, whatever it has waiting. A client without such a job keeps its place. What is no
 * applicant comes first.
 */
export class FairQueue implements Queue<Run, FairOptions> {
  readonly #mayStart: (applicant: Applicant) => boolean;
  readonly #first: Run[] = [];
  /** In the order of their turns: a Map keeps the order of insertion. */
  readonly #clients = new Map<string, ClientLines>();
  constructor(mayStart: (applicant: Applicant) => boolean) {
    this.#mayStart = mayStart;
  }

  /** Not 0 if something may start now. p-queue takes what this does not count for not there, until it is told. */
  get size(): number {
    return this.#first.length + (this.#next() === undefined ? 0 : 1);
  }

  enqueue(run: Run, { applicant }: Partial<FairOptions> = {}): void {
    if (applicant === undefined) {
      this.#first.push(run);
      return;
    }
    const { repository, turn } = applicant;
    const lines: ClientLines = this.#clients.get(turn.client) ?? new Map();
    const line = lines.get(repository) ?? new TinyQueue<Waiting>([], (a, b) => compareTurns(a.turn, b.turn));
    this.#clients.set(turn.client, lines.set(repository, line));
    line.push({ applicant, turn, run });
  }

  dequeue(): Run | undefined {
    return this.#first.shift() ?? this.#takeTurn();
  }

  #takeTurn(): Run | undefined {
    const next = this.#next();
    const waiting = next?.line.pop();
    if (next === undefined || waiting === undefined) return undefined;
    const { client, lines, line } = next;
    if (line.length === 0) lines.delete(waiting.applicant.repository);
    this.#clients.delete(client);
    if (lines.size > 0) this.#clients.set(client, lines);
    return waiting.run;
  }

  /** Whose turn it is: the first client with a job that may start, and the line that it gives it from. */
  #next(): { client: string; lines: ClientLines; line: TinyQueue<Waiting> } | undefined {
    for (const [client, lines] of this.#clients) {
      const line = this.#bestOf(lines);
      if (line !== undefined) return { client, lines, line };
    }
    return undefined;
  }

  /** The line whose first job has the best turn of those that may start. */
  #bestOf(lines: ClientLines): TinyQueue<Waiting> | undefined {
    let best: TinyQueue<Waiting> | undefined;
    for (const line of lines.values()) {
      const head = line.peek();
      if (head === undefined || !this.#mayStart(head.applicant)) continue;
      const leader = best?.peek();
      if (leader === undefined || compareTurns(head.turn, leader.turn) < 0) best = line;
    }
    return best;
  }

  /** p-queue asks this for `sizeBy` only. */
  filter(): Run[] {
    return [];
  }

  /** A turn is fixed when it is taken. */
  setPriority(): void {
    throw new Error('The priority of a waiting job cannot be changed.');
  }
}
