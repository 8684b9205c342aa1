import type { ListFilter, Store } from '../store/store.js';
import type { LiveJob } from './live-job.js';
import type { JobRecord } from './record.js';
import type { JobView } from './supervisor.js';
import { risesFrom, type Turn, turnOf } from './turn.js';
import { WaitingLine } from './waiting-line.js';

/** So many jobs that settled last are at hand: all whom an ending wakes look at the same few at once. */
const MOST_SETTLED = 100;

/** The jobs that have not settled, and views of any job: of these as they are now, of others as the store has them. */
export class Roster {
  /** The places of the queued jobs. */
  readonly line = new WaitingLine();
  readonly #store: Pick<Store, 'get' | 'list'>;
  /** Queued jobs, in order. They have no actor until an event comes for them: a queue may be long. */
  readonly #queued = new Map<string, JobRecord>();
  /** The last instant from which one of them rises. */
  #lastRise = Number.NEGATIVE_INFINITY;
  /** Jobs with an actor. */
  readonly #live = new Map<string, LiveJob>();
  /** The last jobs that settled, oldest first. Their records change no more. */
  readonly #settled = new Map<string, JobRecord>();

  constructor(store: Pick<Store, 'get' | 'list'>) {
    this.#store = store;
  }

  addQueued(record: JobRecord, turn: Turn): void {
    this.#queued.set(record.id, record);
    this.#lastRise = Math.max(this.#lastRise, risesFrom(record));
    this.line.add(turn);
  }

  /** From when on a job rises that is accepted now: no sooner than those that wait, should the clock be put back. */
  risesFrom(now: number): number {
    return Math.max(now, this.#lastRise);
  }

  addLive(job: LiveJob): void {
    this.#live.set(job.id, job);
  }

  /** A job waits no more; false if it did not. */
  leaveQueue(record: JobRecord): boolean {
    if (!this.#queued.delete(record.id)) return false;
    if (this.#queued.size === 0) this.#lastRise = Number.NEGATIVE_INFINITY;
    this.line.remove(turnOf(record));
    return true;
  }

  settle(record: JobRecord): void {
    this.#live.delete(record.id);
    this.#settled.set(record.id, record);
    if (this.#settled.size <= MOST_SETTLED) return;
    const [oldest] = this.#settled.keys();
    if (oldest !== undefined) this.#settled.delete(oldest);
  }

  /** The store has the job no more. */
  forget(jobId: string): void {
    this.#settled.delete(jobId);
  }

  queued(jobId: string): JobRecord | undefined {
    return this.#queued.get(jobId);
  }

  live(jobId: string): LiveJob | undefined {
    return this.#live.get(jobId);
  }

  allLive(): LiveJob[] {
    return [...this.#live.values()];
  }

  get liveCount(): number {
    return this.#live.size;
  }

  has(jobId: string): boolean {
    return this.#live.has(jobId) || this.#queued.has(jobId);
  }

  /** Whether a job was cancelled that works still, or was among the last to settle. */
  isCancelled(jobId: string): boolean {
    return this.#live.get(jobId)?.isCancelled ?? this.#settled.get(jobId)?.state === 'cancelled';
  }

  ids(): string[] {
    return [...new Set([...this.#live.keys(), ...this.#queued.keys()])];
  }

  isEmpty(): boolean {
    return this.#queued.size === 0 && this.#live.size === 0;
  }

  /** Null if there is no such job. */
  async look(jobId: string): Promise<JobView | null> {
    const live = this.#live.get(jobId);
    if (live !== undefined) return this.liveView(live);
    const atHand = this.#queued.get(jobId) ?? this.#settled.get(jobId);
    const record = atHand ?? (await this.#store.get(jobId));
    return record === null ? null : this.view(record);
  }

  async list(filter: ListFilter): Promise<JobView[]> {
    const records = await this.#store.list(filter);
    return records.map((record) => {
      const live = this.#live.get(record.id);
      return live === undefined ? this.view(record) : this.liveView(live);
    });
  }

  view(record: JobRecord): JobView {
    return { record, queuePosition: this.position(record), replayed: false };
  }

  /** 1 for the next job to be admitted; null for a job that is not queued. */
  position(record: JobRecord): number | null {
    return record.state === 'queued' ? this.line.position(turnOf(record)) : null;
  }

  /** What is durable of a job, with the progress that is not yet. */
  liveView({ committed, progress }: LiveJob): JobView {
    return this.view({ ...committed, context: { ...committed.context, progress } });
  }
}
