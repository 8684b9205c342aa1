import type { JobState } from '../../machines/job.js';
import type { Settings } from '../config.js';
import { type Outcome, refuse } from '../errors.js';
import type { StagePool } from '../pool/pool.js';
import type { ListFilter, Store } from '../store/store.js';
import { type ProvidedMachine, provideActors } from './actors.js';
import { type Admission, type Applicant, createAdmission } from './admission.js';
import { forgetRemoval, noteRemoval, removeArtifacts, removeIfGone } from './artifacts.js';
import { Audience } from './audience.js';
import type { Timing } from './burst.js';
import { chooseBackend } from './choose-backend.js';
import type { Clock } from './clock.js';
import { createDeadlines, type Deadlines } from './deadlines.js';
import { Endings } from './endings.js';
import { HeldFiles } from './held-files.js';
import { Intake } from './intake.js';
import { Lineage } from './lineage.js';
import { LiveJob } from './live-job.js';
import { startPruning } from './pruning.js';
import { isSettled, type JobRecord, type JournalEntry, type Submission } from './record.js';
import { Roster } from './roster.js';
import type { Inspector, JobView, SubmitRequest, Supervisor } from './supervisor.js';
import { turnOf } from './turn.js';

export interface SupervisorNeeds {
  store: Store;
  pool: StagePool;
  settings: Settings;
  clock: Clock;
  /** When new jobs are admitted; at once unless set. */
  timing?: Timing;
  log: { error(details: object, message: string): void };
}

/** Takes up every job that the store knows as unsettled, and serves from then on. */
export async function createSupervisor(needs: SupervisorNeeds): Promise<Supervisor> {
  const supervisor = new JobSupervisor(needs, await needs.store.lastSequence());
  supervisor.resume(await needs.store.unsettled());
  return supervisor;
}

const PARENT_CANCELLED = 'The job that it came from was cancelled.';

class JobSupervisor implements Supervisor {
  readonly #needs: SupervisorNeeds;
  readonly #roster: Roster;
  readonly #intake: Intake;
  readonly #admission: Admission;
  readonly #machine: ProvidedMachine;
  readonly #deadlines: Deadlines;
  readonly #retries: Deadlines;
  readonly #endings = new Endings();
  readonly #audience: Audience;
  readonly #lineage: Lineage;
  readonly #heldFiles: HeldFiles;
  readonly #stopPruning: () => void;
  readonly #closed = new AbortController();
  #draining = false;

  constructor(needs: SupervisorNeeds, lastSequence: number) {
    const { store, pool, settings, clock, timing, log } = needs;
    this.#needs = needs;
    this.#roster = new Roster(store);
    this.#lineage = new Lineage(settings);
    this.#heldFiles = new HeldFiles((jobId) => this.#filesFreed(jobId));
    this.#audience = new Audience((problem) => log.error({ err: problem }, 'a listener threw'));
    this.#machine = provideActors(pool, (jobId) => this.#liveJob(jobId));
    this.#admission = createAdmission(settings, (jobId) => this.#start(jobId), timing);
    this.#deadlines = createDeadlines(clock, (jobId) => this.#deadlinePassed(jobId));
    this.#retries = createDeadlines(clock, (jobId) => this.#roster.live(jobId)?.send({ type: 'job.retry' }));
    this.#intake = new Intake(
      {
        ...needs,
        roster: this.#roster,
        lineage: this.#lineage,
        heldFiles: this.#heldFiles,
        admission: this.#admission,
        enqueue: (record) => this.#enqueue(record),
        accepted: (records) =>
          this.#audience.accepted(() => records.map((record) => this.#roster.view(record))),
      },
      lastSequence,
    );
    this.#stopPruning = startPruning({
      ...needs,
      remove: (jobId) => this.remove(jobId),
      failed: (problem) => log.error({ err: problem }, 'pruning failed'),
    });
  }

  resume(records: readonly JobRecord[]): void {
    // Jobs whose agents may be alive come first: they hold permits already.
    for (const record of records.filter(({ state }) => state !== 'queued')) {
      this.#awaken(record);
      this.#heldFiles.update(record);
      this.#lineage.add(record.id, record.submission);
      this.#deadlines.set(record.id, record.deadlineAt ?? record.queueDeadlineAt);
      if (record.retryAt !== null) this.#retries.set(record.id, record.retryAt);
      this.#admission.occupy(applicantOf(record));
    }
    const queued = records.filter(({ state }) => state === 'queued');
    this.#admission.expect(queued.length);
    for (const record of queued) this.#enqueue(record);
  }

  async submit(requests: readonly SubmitRequest[]): Promise<Outcome<JobView[]>> {
    if (this.#draining && !(await this.#intake.areRepeated(requests))) return refuse('draining');
    this.#admission.expect(requests.length);
    return this.#intake.submit(requests);
  }

  look(jobId: string): Promise<JobView | null> {
    return this.#roster.look(jobId);
  }

  startedBy(key: string): Promise<string | null> {
    return this.#needs.store.startedBy(key);
  }

  nextPlace(submission: Pick<Submission, 'client' | 'priority'>): number {
    return this.#intake.nextPlace(submission);
  }

  roomFor(submission: Pick<Submission, 'repository' | 'client'>): Outcome<null> {
    return this.#intake.roomFor(submission);
  }

  position(record: JobRecord): number | null {
    return this.#roster.position(record);
  }

  list(filter: ListFilter): Promise<JobView[]> {
    return this.#roster.list(filter);
  }

  journal(jobId: string): Promise<JournalEntry[]> {
    return this.#needs.store.journal(jobId);
  }

  async cancel(jobId: string, message: string): Promise<JobView | null> {
    // Itself first: what its agent asks for from then on is cancelled as it comes.
    const cancelled = this.#cancelOne(jobId, message);
    const descendants = this.#lineage.descendants(jobId).map((id) => this.#cancelOne(id, PARENT_CANCELLED));
    const [view] = await Promise.all([cancelled, ...descendants]);
    return view;
  }

  async #cancelOne(jobId: string, message: string): Promise<JobView | null> {
    const job = this.#actorOf(jobId);
    if (job === null) return this.look(jobId);
    job.send({ type: 'job.cancel', message });
    await job.recorded();
    return this.#roster.liveView(job);
  }

  settled(
    jobIds: readonly string[],
    mode: 'any' | 'all',
    signal: AbortSignal,
    milliseconds?: number,
  ): Promise<boolean> {
    return this.#endings.wait(jobIds, (id) => this.#roster.has(id), mode, signal, milliseconds);
  }

  follow(jobIds: readonly string[], listener: (view: JobView) => void): () => void {
    return this.#audience.follow(jobIds, listener);
  }

  subscribe(listener: (view: JobView) => void): () => void {
    return this.#audience.subscribe(listener);
  }

  inspect(inspector: Inspector): () => void {
    return this.#audience.inspect(inspector);
  }

  async remove(jobId: string): Promise<boolean> {
    const { store, settings, clock } = this.#needs;
    noteRemoval(settings.stateDir, jobId);
    const removed = await store.remove(jobId, clock.now() + settings.resultTtlSeconds * 1_000);
    if (!removed) {
      forgetRemoval(settings.stateDir, jobId);
      return false;
    }
    this.#roster.forget(jobId);
    this.#audience.removed(jobId);
    if (!this.holdsFiles(jobId)) await removeArtifacts(settings.stateDir, jobId);
    return true;
  }

  holdsFiles(jobId: string): boolean {
    return this.#heldFiles.isHeld(jobId);
  }

  countByState(): Promise<Record<JobState, number>> {
    return this.#needs.store.countByState();
  }

  isUnsettled(jobId: string): boolean {
    return this.#roster.has(jobId);
  }

  unsettledIds(): string[] {
    return this.#roster.ids();
  }

  isIdle(): boolean {
    return this.#roster.isEmpty() && this.#intake.isEmpty();
  }

  isDraining(): boolean {
    return this.#draining;
  }

  async drain(): Promise<void> {
    this.#draining = true;
    this.#admission.pause();
    const live = this.#roster.allLive();
    await Promise.allSettled(live.map((job) => job.recorded()));
    await Promise.all(live.filter((job) => job.committed.state !== 'queued').map((job) => job.ended));
  }

  close(): void {
    this.#draining = true;
    this.#closed.abort();
    this.#admission.pause();
    this.#deadlines.close();
    this.#retries.close();
    this.#stopPruning();
    for (const job of this.#roster.allLive()) job.abandon();
  }

  /** Called by admission: the job has a permit, until the returned promise resolves. */
  async #start(jobId: string): Promise<void> {
    const job = this.#actorOf(jobId);
    if (job === null) return;
    if (job.committed.state === 'queued') this.#admit(job);
    else this.#resumeStage(job);
    await job.ended;
  }

  #admit(job: LiveJob): void {
    // Its timer may be late, above all when the daemon has just started.
    if (job.committed.queueDeadlineAt <= this.#needs.clock.now()) {
      this.#deadlinePassed(job.id);
      return;
    }
    // From now on it waits no more; the deadline of its run counts once that is durable.
    this.#deadlines.delete(job.id);
    job.send({ type: 'job.admitted' });
  }

  #resumeStage(job: LiveJob): void {
    const { state, deadlineAt } = job.committed;
    // First what decides the job's end: the stage is then entered only to stop what still runs.
    if ((deadlineAt ?? Number.POSITIVE_INFINITY) <= this.#needs.clock.now()) this.#deadlinePassed(job.id);
    // Between two attempts there is no stage to enter again; the one that the deadline leads to is entered just now.
    if (state !== 'retrying') job.send({ type: 'job.resumed' });
  }

  #enqueue(record: JobRecord): void {
    const applicant = applicantOf(record);
    this.#roster.addQueued(record, applicant);
    this.#heldFiles.update(record);
    this.#lineage.add(record.id, record.submission);
    this.#deadlines.set(record.id, record.queueDeadlineAt);
    const { parentJobId } = record.submission;
    if (parentJobId !== null && this.#roster.isCancelled(parentJobId)) {
      this.#actorOf(record.id)?.send({ type: 'job.cancel', message: PARENT_CANCELLED });
    } else this.#admission.enqueue(applicant);
  }

  #actorOf(jobId: string): LiveJob | null {
    const live = this.#roster.live(jobId);
    if (live !== undefined) return live;
    const record = this.#roster.queued(jobId);
    return record === undefined ? null : this.#awaken(record);
  }

  #liveJob(jobId: string): LiveJob {
    const job = this.#roster.live(jobId);
    if (job === undefined) throw new Error('A job with a stage has an actor.');
    return job;
  }

  #awaken(record: JobRecord): LiveJob {
    const { store, clock, settings, log } = this.#needs;
    const job = new LiveJob(record, {
      machine: this.#machine,
      store,
      clock,
      closed: this.#closed.signal,
      resultTtlSeconds: settings.resultTtlSeconds,
      announces: settings.onSettled !== null,
      backendFor: ({ backend }) => chooseBackend(backend, this.#roster.liveCount, settings.appServerFrom),
      changed: (changed) => this.#changed(changed),
      deadlinePassed: ({ id }) => this.#deadlinePassed(id),
      inspected: ({ id }, event, state, at) => this.#audience.took(id, event, state, at),
      trouble: (troubled, problem) => log.error({ job: troubled.id, err: problem }, 'a job is in trouble'),
    });
    this.#roster.addLive(job);
    return job;
  }

  #changed(job: LiveJob): void {
    const { id, state, deadlineAt, retryAt } = job.committed;
    if (state !== 'queued' && this.#roster.leaveQueue(job.committed)) {
      this.#admission.withdraw(applicantOf(job.committed));
      if (deadlineAt !== null) this.#deadlines.set(id, deadlineAt);
    }
    this.#heldFiles.update(job.committed);
    if (retryAt === null) this.#retries.delete(id);
    else this.#retries.set(id, retryAt);
    const view = this.#roster.liveView(job);
    this.#audience.tellFollowers(view);
    if (isSettled(state)) {
      this.#deadlines.delete(id);
      this.#roster.settle(job.committed);
      this.#lineage.settle(id);
      this.#endings.ended(id);
    }
    this.#audience.tellSubscribers(view);
  }

  #deadlinePassed(jobId: string): void {
    const job = this.#actorOf(jobId);
    const message =
      job?.committed.state === 'queued'
        ? `The job waited ${this.#needs.settings.queueSeconds} s in the queue without being admitted.`
        : `The job ran until its deadline of ${job?.committed.submission.deadlineSeconds} s.`;
    job?.send({ type: 'job.deadline', message });
  }

  #filesFreed(jobId: string): void {
    const { settings, store, log } = this.#needs;
    removeIfGone(settings.stateDir, store, jobId, () => this.holdsFiles(jobId)).catch((problem) =>
      log.error({ job: jobId, err: problem }, 'files of a removed job stay'),
    );
  }
}

const applicantOf = (record: JobRecord): Applicant => ({
  jobId: record.id,
  repository: record.submission.repository,
  ...turnOf(record),
});
