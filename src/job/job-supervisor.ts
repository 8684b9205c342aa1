import type { JobState } from '../../machines/job.js';
import type { Settings } from '../config.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import type { StagePool } from '../pool/pool.js';
import type { ListFilter, NewJob, Store } from '../store/store.js';
import { accept } from './acceptance.js';
import { type ProvidedMachine, provideActors } from './actors.js';
import { type Admission, type Applicant, createAdmission } from './admission.js';
import { removeArtifacts, removeIfGone } from './artifacts.js';
import { chooseBackend } from './choose-backend.js';
import type { Clock } from './clock.js';
import { createDeadlines, type Deadlines } from './deadlines.js';
import { Endings } from './endings.js';
import { HeldFiles } from './held-files.js';
import { Lineage } from './lineage.js';
import { guarded, Listeners } from './listeners.js';
import { LiveJob } from './live-job.js';
import { newRecord } from './new-record.js';
import { startPruning } from './pruning.js';
import { isSettled, type JobRecord, type JournalEntry, type Submission } from './record.js';
import { Room } from './room.js';
import type { Inspector, JobView, SubmitRequest, Supervisor } from './supervisor.js';
import { rankOf, turnOf } from './turn.js';
import { WaitingLine } from './waiting-line.js';

export interface SupervisorNeeds {
  store: Store;
  pool: StagePool;
  settings: Settings;
  clock: Clock;
  log: { error(details: object, message: string): void };
}

/** Takes up every job that the store knows as unsettled, and serves from then on. */
export async function createSupervisor(needs: SupervisorNeeds): Promise<Supervisor> {
  const supervisor = new JobSupervisor(needs, await needs.store.lastSequence());
  supervisor.resume(await needs.store.unsettled());
  return supervisor;
}

class JobSupervisor implements Supervisor {
  readonly #needs: SupervisorNeeds;
  readonly #admission: Admission;
  readonly #machine: ProvidedMachine;
  readonly #deadlines: Deadlines;
  readonly #retries: Deadlines;
  readonly #endings = new Endings();
  readonly #followers = new Listeners<JobView>();
  readonly #listeners = new Set<(view: JobView) => void>();
  readonly #inspectors = new Set<Inspector>();
  /** Queued jobs, in order. They have no actor until an event comes for them: a queue may be long. */
  readonly #queued = new Map<string, JobRecord>();
  /** Look-ups of settled jobs under way: all whom one transition wakes look at the same job at once. */
  readonly #lookUps = new Map<string, Promise<JobRecord | null>>();
  /** Jobs with an actor. */
  readonly #live = new Map<string, LiveJob>();
  readonly #line = new WaitingLine();
  readonly #room: Room;
  readonly #lineage: Lineage;
  readonly #heldFiles: HeldFiles;
  #sequence: number;
  #draining = false;
  readonly #stopPruning: () => void;

  constructor(needs: SupervisorNeeds, lastSequence: number) {
    this.#needs = needs;
    this.#sequence = lastSequence;
    this.#lineage = new Lineage(needs.settings);
    this.#heldFiles = new HeldFiles((jobId) => {
      removeIfGone(needs.settings.stateDir, needs.store, jobId, () => this.holdsFiles(jobId)).catch(
        (problem) => needs.log.error({ job: jobId, err: problem }, 'files of a removed job stay'),
      );
    });
    this.#machine = provideActors(needs.pool, (jobId) => this.#liveJob(jobId));
    this.#admission = createAdmission(needs.settings, (jobId) => this.#start(jobId));
    this.#deadlines = createDeadlines(needs.clock, (jobId) => this.#deadlinePassed(jobId));
    this.#retries = createDeadlines(needs.clock, (jobId) =>
      this.#live.get(jobId)?.send({ type: 'job.retry' }),
    );
    this.#room = new Room(needs.settings, this.#line);
    this.#stopPruning = startPruning({
      ...needs,
      remove: (jobId) => this.remove(jobId),
      failed: (problem) => needs.log.error({ err: problem }, 'pruning failed'),
    });
  }

  resume(records: readonly JobRecord[]): void {
    // Jobs whose agents may be alive come first: they hold slots already.
    for (const record of records.filter(({ state }) => state !== 'queued')) {
      this.#awaken(record);
      this.#heldFiles.update(record);
      this.#lineage.add(record.id, record.submission);
      this.#deadlines.set(record.id, record.deadlineAt ?? record.queueDeadlineAt);
      if (record.retryAt !== null) this.#retries.set(record.id, record.retryAt);
      this.#admission.occupy(applicantOf(record));
    }
    for (const record of records.filter(({ state }) => state === 'queued')) this.#enqueue(record);
  }

  async submit(requests: readonly SubmitRequest[]): Promise<Outcome<JobView[]>> {
    if (this.#draining) return refuse('draining');
    const room = this.#room.take(requests);
    if (!room.ok) return room;
    const letGo = this.#heldFiles.holdFor(requests.map(({ submission }) => submission));
    try {
      const jobs = await this.#toJobs(requests);
      return jobs.ok ? await this.#accept(jobs.value) : jobs;
    } catch (problem) {
      this.#needs.log.error({ err: problem }, 'the store did not accept new jobs');
      return refuse('store_unavailable');
    } finally {
      room.value();
      letGo();
    }
  }

  async #toJobs(requests: readonly SubmitRequest[]): Promise<Outcome<NewJob[]>> {
    const { settings, clock } = this.#needs;
    const now = clock.now();
    const jobs: NewJob[] = [];
    for (const { task, submission, argumentsHash } of requests) {
      const { parentJobId } = submission;
      if (!(await this.#canBegin(submission))) return refuse('job_not_found');
      const parent = parentJobId === null ? null : await this.look(parentJobId);
      const depth = this.#lineage.admit(parent?.record ?? null, parentJobId, requests.length);
      if (!depth.ok) return depth;
      this.#sequence += 1;
      const record = newRecord(
        // In this order all submissions share one hidden class; in the other, V8 makes one of 800 bytes for each.
        { depth: depth.value, ...submission },
        this.#sequence,
        now,
        settings.queueSeconds,
      );
      const entry: JournalEntry = { at: now, state: 'queued', event: 'job.submitted', reason: null };
      jobs.push({ record, task, argumentsHash, entry });
    }
    return succeed(jobs);
  }

  /** If what a follow-up goes on from is there now, its files stay, even if it is consumed. */
  async #canBegin({ continues, idempotencyKey }: SubmitRequest['submission']): Promise<boolean> {
    if (continues === null || (await this.look(continues.jobId)) !== null) return true;
    // A repeated call starts nothing.
    return idempotencyKey !== null && (await this.startedBy(idempotencyKey)) !== null;
  }

  async #accept(jobs: readonly NewJob[]): Promise<Outcome<JobView[]>> {
    const accepted = await accept(this.#needs.store, jobs);
    if (!accepted.ok) return accepted;
    const fresh = accepted.value.flatMap(({ record }) => record ?? []);
    for (const record of fresh) this.#enqueue(record);
    for (const inspector of this.#inspectors) inspector.accepted(fresh.map((record) => this.#view(record)));
    const views: JobView[] = [];
    for (const { record, knownId } of accepted.value) {
      const view = record === null ? await this.look(knownId) : this.#view(record);
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
    const { id } = view.record;
    if (!this.#queued.has(id) && !this.#live.has(id)) this.#enqueue(view.record);
  }

  async look(jobId: string): Promise<JobView | null> {
    const live = this.#live.get(jobId);
    if (live !== undefined) return this.#liveView(live);
    const record = this.#queued.get(jobId) ?? (await this.#lookUp(jobId));
    return record === null ? null : this.#view(record);
  }

  /** The store answers in the order in which it is asked, so whoever joins a look-up sees what it saw of its own. */
  #lookUp(jobId: string): Promise<JobRecord | null> {
    const underWay = this.#lookUps.get(jobId);
    if (underWay !== undefined) return underWay;
    const found = this.#needs.store.get(jobId).finally(() => this.#lookUps.delete(jobId));
    this.#lookUps.set(jobId, found);
    return found;
  }

  startedBy(key: string): Promise<string | null> {
    return this.#needs.store.startedBy(key);
  }

  nextPlace({ client, priority }: Pick<Submission, 'client' | 'priority'>): number {
    const sequence = this.#sequence + 1;
    return this.#line.position({ client, rank: rankOf(priority, this.#needs.clock.now()), sequence });
  }

  async list(filter: ListFilter): Promise<JobView[]> {
    const records = await this.#needs.store.list(filter);
    return records.map((record) => {
      const live = this.#live.get(record.id);
      return live === undefined ? this.#view(record) : this.#liveView(live);
    });
  }

  journal(jobId: string): Promise<JournalEntry[]> {
    return this.#needs.store.journal(jobId);
  }

  async cancel(jobId: string, message: string): Promise<JobView | null> {
    const descendants = this.#lineage.descendants(jobId);
    await Promise.all(
      descendants.map((id) => this.#cancelOne(id, 'The job that it came from was cancelled.')),
    );
    return this.#cancelOne(jobId, message);
  }

  async #cancelOne(jobId: string, message: string): Promise<JobView | null> {
    const job = this.#actorOf(jobId);
    if (job === null) return this.look(jobId);
    job.send({ type: 'job.cancel', message });
    await job.recorded();
    return this.#liveView(job);
  }

  settled(jobIds: readonly string[], mode: 'any' | 'all', signal: AbortSignal): Promise<void> {
    return this.#endings.wait(jobIds, (id) => this.#live.has(id) || this.#queued.has(id), mode, signal);
  }

  follow(jobIds: readonly string[], listener: (view: JobView) => void): () => void {
    return this.#followers.listen(jobIds, this.#guarded(listener));
  }

  subscribe(listener: (view: JobView) => void): () => void {
    const own = this.#guarded(listener);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  #guarded(listener: (view: JobView) => void): (view: JobView) => void {
    return guarded(listener, (problem) => this.#needs.log.error({ err: problem }, 'a listener threw'));
  }

  inspect(inspector: Inspector): () => void {
    this.#inspectors.add(inspector);
    return () => void this.#inspectors.delete(inspector);
  }

  async remove(jobId: string): Promise<boolean> {
    const { store, settings, clock } = this.#needs;
    const removed = await store.remove(jobId, clock.now() + settings.resultTtlSeconds * 1_000);
    if (!removed) return false;
    for (const inspector of this.#inspectors) inspector.removed(jobId);
    if (!this.holdsFiles(jobId)) await removeArtifacts(settings.stateDir, jobId);
    return true;
  }

  holdsFiles(jobId: string): boolean {
    return this.#heldFiles.isHeld(jobId);
  }

  countByState(): Promise<Record<JobState, number>> {
    return this.#needs.store.countByState();
  }

  unsettledIds(): string[] {
    return [...new Set([...this.#live.keys(), ...this.#queued.keys()])];
  }

  isIdle(): boolean {
    return this.#queued.size === 0 && this.#live.size === 0 && this.#room.isEmpty();
  }

  isDraining(): boolean {
    return this.#draining;
  }

  async drain(): Promise<void> {
    this.#draining = true;
    this.#admission.pause();
    const live = [...this.#live.values()];
    await Promise.all(live.map((job) => job.recorded()));
    await Promise.all(live.filter((job) => job.committed.state !== 'queued').map((job) => job.ended));
  }

  close(): void {
    this.#draining = true;
    this.#admission.pause();
    this.#deadlines.close();
    this.#retries.close();
    this.#stopPruning();
    for (const job of this.#live.values()) job.abandon();
  }

  /** Called by admission: the job has a slot, until the returned promise resolves. */
  async #start(jobId: string): Promise<void> {
    const job = this.#actorOf(jobId);
    if (job === null) return;
    if (job.committed.state === 'queued') job.send({ type: 'job.admitted' });
    else this.#resumeStage(job);
    await job.ended;
  }

  #resumeStage(job: LiveJob): void {
    // First what decides the job's end: the stage is then entered only to stop what still runs.
    if ((job.committed.deadlineAt ?? Number.POSITIVE_INFINITY) <= this.#needs.clock.now())
      this.#deadlinePassed(job.id);
    job.send({ type: 'job.resumed' });
  }

  #enqueue(record: JobRecord): void {
    const applicant = applicantOf(record);
    this.#queued.set(record.id, record);
    this.#heldFiles.update(record);
    this.#lineage.add(record.id, record.submission);
    this.#line.add(applicant);
    this.#deadlines.set(record.id, record.queueDeadlineAt);
    this.#admission.enqueue(applicant);
  }

  #actorOf(jobId: string): LiveJob | null {
    const live = this.#live.get(jobId);
    if (live !== undefined) return live;
    const record = this.#queued.get(jobId);
    return record === undefined ? null : this.#awaken(record);
  }

  #liveJob(jobId: string): LiveJob {
    const job = this.#live.get(jobId);
    if (job === undefined) throw new Error('A job with a stage has an actor.');
    return job;
  }

  #awaken(record: JobRecord): LiveJob {
    const { store, clock, settings, log } = this.#needs;
    const job = new LiveJob(record, {
      machine: this.#machine,
      store,
      clock,
      resultTtlSeconds: settings.resultTtlSeconds,
      announces: settings.onSettled !== null,
      backendFor: ({ backend }) => chooseBackend(backend, this.#live.size, settings.appServerFrom),
      changed: (changed) => this.#changed(changed),
      inspected: ({ id }, event, state) => {
        for (const inspector of this.#inspectors) inspector.took(id, event, state);
      },
      trouble: (troubled, problem) => log.error({ job: troubled.id, err: problem }, 'a job is in trouble'),
    });
    this.#live.set(record.id, job);
    return job;
  }

  #changed(job: LiveJob): void {
    const { id, state, deadlineAt, retryAt } = job.committed;
    if (state !== 'queued' && this.#queued.delete(id)) {
      this.#line.remove(turnOf(job.committed));
      this.#admission.withdraw(applicantOf(job.committed));
      if (deadlineAt !== null) this.#deadlines.set(id, deadlineAt);
    }
    this.#heldFiles.update(job.committed);
    if (retryAt === null) this.#retries.delete(id);
    else this.#retries.set(id, retryAt);
    const view = this.#liveView(job);
    this.#followers.tell(id, view);
    if (isSettled(state)) {
      this.#deadlines.delete(id);
      this.#live.delete(id);
      this.#lineage.settle(id);
      this.#endings.ended(id);
    }
    for (const listener of this.#listeners) listener(view);
  }

  #deadlinePassed(jobId: string): void {
    const job = this.#actorOf(jobId);
    const message =
      job?.committed.state === 'queued'
        ? `The job waited ${this.#needs.settings.queueSeconds} s in the queue without being admitted.`
        : `The job ran until its deadline of ${job?.committed.submission.deadlineSeconds} s.`;
    job?.send({ type: 'job.deadline', message });
  }

  #view(record: JobRecord): JobView {
    const queuePosition = record.state === 'queued' ? this.#line.position(turnOf(record)) : null;
    return { record, queuePosition, replayed: false };
  }

  #liveView(job: LiveJob): JobView {
    const { committed, progress } = job;
    return this.#view({ ...committed, context: { ...committed.context, progress } });
  }
}

const applicantOf = (record: JobRecord): Applicant => ({
  jobId: record.id,
  repository: record.submission.repository,
  ...turnOf(record),
});
