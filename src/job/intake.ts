import type { Settings } from '../config.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import type { NewJob, Store } from '../store/store.js';
import { accept } from './acceptance.js';
import type { Admission } from './admission.js';
import type { Clock } from './clock.js';
import type { HeldFiles } from './held-files.js';
import type { Lineage } from './lineage.js';
import { newRecord } from './new-record.js';
import type { JobRecord, JournalEntry, Submission } from './record.js';
import { Room } from './room.js';
import type { Roster } from './roster.js';
import type { JobView, SubmitRequest } from './supervisor.js';
import { rankOf } from './turn.js';

export interface IntakeNeeds {
  store: Store;
  settings: Settings;
  clock: Clock;
  log: { error(details: object, message: string): void };
  roster: Roster;
  lineage: Lineage;
  heldFiles: HeldFiles;
  admission: Pick<Admission, 'waiting'>;
  /** Puts a job that is in the store into the queue. */
  enqueue(record: JobRecord): void;
  /** Told the jobs that are new, all of one submission at once, once they are in the queue. */
  accepted(records: readonly JobRecord[]): void;
}

/** The depth of a job that is not kept, since its key is answered with the one that it started. */
const OF_NO_NEW_JOB = 1;

/** The way of new jobs into the store and the queue. */
export class Intake {
  readonly #needs: IntakeNeeds;
  readonly #room: Room;
  #sequence: number;

  /** `lastSequence` is that of the newest job there ever was. */
  constructor(needs: IntakeNeeds, lastSequence: number) {
    this.#needs = needs;
    this.#room = new Room(needs.settings, needs.roster.line, needs.admission);
    this.#sequence = lastSequence;
  }

  /** True when no job is on its way into the store. */
  isEmpty(): boolean {
    return this.#room.isEmpty();
  }

  /** The place in the queue that a job would get now. */
  nextPlace({ client, priority }: Pick<Submission, 'client' | 'priority'>): number {
    const { roster, clock } = this.#needs;
    const sequence = this.#sequence + 1;
    return roster.line.position({ client, rank: rankOf(priority, roster.risesFrom(clock.now())), sequence });
  }

  /** Whether a job would find room in the queue now; refuses with `queue_full`. */
  roomFor(submission: Pick<Submission, 'repository' | 'client'>): Outcome<null> {
    const room = this.#room.take([{ submission }]);
    if (!room.ok) return room;
    room.value();
    return succeed(null);
  }

  /** Accepts jobs, all or none; the answer comes once they are durable. */
  async submit(requests: readonly SubmitRequest[]): Promise<Outcome<JobView[]>> {
    const { heldFiles, lineage, log, roster } = this.#needs;
    const room = this.#room.take(requests);
    if (!room.ok && !(await this.areRepeated(requests))) return room;
    const letGo = heldFiles.holdFor(requests.map(({ submission }) => submission));
    const jobs: NewJob[] = [];
    try {
      const added = await this.#addJobs(jobs, requests);
      return added.ok ? await this.#accept(jobs) : added;
    } catch (problem) {
      log.error({ err: problem }, 'the store did not accept new jobs');
      return refuse('store_unavailable');
    } finally {
      if (room.ok) room.value();
      letGo();
      for (const { record } of jobs) if (!roster.has(record.id)) lineage.settle(record.id);
    }
  }

  async #addJobs(jobs: NewJob[], requests: readonly SubmitRequest[]): Promise<Outcome<null>> {
    const { roster, lineage, settings, clock } = this.#needs;
    const now = clock.now();
    for (const { task, submission, argumentsHash } of requests) {
      const { parentJobId, idempotencyKey } = submission;
      if (!(await this.#canBegin(submission))) return refuse('job_not_found');
      const parent = parentJobId === null ? null : await roster.look(parentJobId);
      const depth = lineage.admit(parent?.record ?? null, parentJobId);
      if (!depth.ok && !(await this.#isRepeated(idempotencyKey))) return depth;
      this.#sequence += 1;
      const record = newRecord(
        // In this order all submissions share one hidden class; in the other, V8 makes one of 800 bytes for each.
        { depth: depth.ok ? depth.value : OF_NO_NEW_JOB, ...submission },
        this.#sequence,
        now,
        settings.queueSeconds,
        roster.risesFrom(now),
      );
      const entry: JournalEntry = { at: now, state: 'queued', event: 'job.submitted', reason: null };
      jobs.push({ record, task, argumentsHash, entry });
      lineage.add(record.id, record.submission);
    }
    return succeed(null);
  }

  /** If what a follow-up goes on from is there now, its files stay, even if it is consumed. */
  async #canBegin({ continues, idempotencyKey }: SubmitRequest['submission']): Promise<boolean> {
    const { roster } = this.#needs;
    if (continues === null || (await roster.look(continues.jobId)) !== null) return true;
    return this.#isRepeated(idempotencyKey);
  }

  /** Whether all of it was asked for before: then it starts nothing, and needs no room. False where that cannot be told. */
  async areRepeated(requests: readonly SubmitRequest[]): Promise<boolean> {
    const repeated = requests.map(({ submission }) => this.#isRepeated(submission.idempotencyKey));
    return Promise.all(repeated).then(
      (each) => each.every(Boolean),
      () => false,
    );
  }

  async #isRepeated(key: Submission['idempotencyKey']): Promise<boolean> {
    return key !== null && (await this.#needs.store.startedBy(key)) !== null;
  }

  async #accept(jobs: readonly NewJob[]): Promise<Outcome<JobView[]>> {
    const { roster, store, enqueue } = this.#needs;
    const accepted = await accept(store, jobs);
    if (!accepted.ok) return accepted;
    const fresh = accepted.value.flatMap(({ record }) => record ?? []);
    for (const record of fresh) enqueue(record);
    this.#needs.accepted(fresh);
    const views: JobView[] = [];
    for (const { record, knownId } of accepted.value) {
      const view = record === null ? await roster.look(knownId) : roster.view(record);
      if (record === null) this.#takeUp(view);
      // Between the two look-ups the known job may have been consumed.
      if (view === null) return refuse('idempotency_result_unavailable');
      views.push({ ...view, replayed: record === null });
    }
    return succeed(views);
  }

  /** A job whose acceptance was written, but reported as failed, is in the store and nowhere else. */
  #takeUp(view: JobView | null): void {
    if (view?.record.state !== 'queued') return;
    if (!this.#needs.roster.has(view.record.id)) this.#needs.enqueue(view.record);
  }
}
