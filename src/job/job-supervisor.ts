import type { JobState } from '../../machines/job.js';
import type { Settings } from '../config.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import type { StagePool } from '../pool/pool.js';
import type { ListFilter, NewJob, Store } from '../store/store.js';
import { accept } from './acceptance.js';
import { type Admission, createAdmission } from './admission.js';
import { removeArtifacts } from './artifacts.js';
import type { Clock } from './clock.js';
import { createDeadlines, type Deadlines } from './deadlines.js';
import { Endings } from './endings.js';
import { LiveJob } from './live-job.js';
import { newRecord } from './new-record.js';
import { isSettled, type JobRecord, type JournalEntry } from './record.js';
import type { JobView, SubmitRequest, Supervisor } from './supervisor.js';
import { WaitingLine } from './waiting-line.js';

export interface SupervisorNeeds {
  store: Store;
  pool: StagePool;
  settings: Settings;
  clock: Clock;
  log: { error(details: object, message: string): void };
}

/** A full queue empties by a job every so often; asking sooner is of no use. */
const QUEUE_FULL_RETRY_MS = 5_000;
const PRUNE_MS = 30_000;
const PRUNE_AT_ONCE = 200;

/** Takes up every job that the store knows as unsettled, and serves from then on. */
export async function createSupervisor(needs: SupervisorNeeds): Promise<Supervisor> {
  const supervisor = new JobSupervisor(needs, await needs.store.lastSequence());
  supervisor.resume(await needs.store.unsettled());
  return supervisor;
}

class JobSupervisor implements Supervisor {
  readonly #needs: SupervisorNeeds;
  readonly #admission: Admission;
  readonly #deadlines: Deadlines;
  readonly #retries: Deadlines;
  readonly #endings = new Endings();
  readonly #listeners = new Set<(view: JobView) => void>();
  /** Queued jobs, in order. They have no actor until an event comes for them: a queue may be long. */
  readonly #queued = new Map<string, JobRecord>();
  /** Jobs with an actor. */
  readonly #live = new Map<string, LiveJob>();
  readonly #line = new WaitingLine();
  #sequence: number;
  /** Jobs on their way into the store; they count as queued. */
  #accepting = 0;
  #draining = false;
  #pruning: unknown;

  constructor(needs: SupervisorNeeds, lastSequence: number) {
    this.#needs = needs;
    this.#sequence = lastSequence;
    this.#admission = createAdmission(needs.settings, (jobId) => this.#start(jobId));
    this.#deadlines = createDeadlines(needs.clock, (jobId) => this.#deadlinePassed(jobId));
    this.#retries = createDeadlines(needs.clock, (jobId) =>
      this.#live.get(jobId)?.send({ type: 'job.retry' }),
    );
    this.#prune();
  }

  resume(records: readonly JobRecord[]): void {
    // Jobs whose agents may be alive come first: they hold slots already.
    for (const record of records.filter(({ state }) => state !== 'queued')) {
      this.#awaken(record);
      this.#deadlines.set(record.id, record.deadlineAt ?? record.queueDeadlineAt);
      if (record.retryAt !== null) this.#retries.set(record.id, record.retryAt);
      this.#admission.occupy(record.id, record.submission.repository);
    }
    for (const record of records.filter(({ state }) => state === 'queued')) this.#enqueue(record);
  }

  async submit(requests: readonly SubmitRequest[]): Promise<Outcome<JobView[]>> {
    const { settings, clock } = this.#needs;
    if (this.#draining) return refuse('draining');
    if (this.#queued.size + this.#accepting + requests.length > settings.maxQueued) {
      return refuse('queue_full', {
        retryAfterMs: QUEUE_FULL_RETRY_MS,
        details: { queued: this.#queued.size, max_queued: settings.maxQueued },
      });
    }
    const now = clock.now();
    const jobs = requests.map(({ task, submission, argumentsHash }): NewJob => {
      this.#sequence += 1;
      const record = newRecord(submission, this.#sequence, now, settings.queueSeconds);
      return {
        record,
        task,
        argumentsHash,
        entry: { at: now, state: 'queued', event: 'job.submitted', reason: null },
      };
    });
    this.#accepting += jobs.length;
    try {
      return await this.#accept(jobs);
    } catch (problem) {
      this.#needs.log.error({ err: problem }, 'the store did not accept new jobs');
      return refuse('store_unavailable');
    } finally {
      this.#accepting -= jobs.length;
    }
  }

  async #accept(jobs: readonly NewJob[]): Promise<Outcome<JobView[]>> {
    const accepted = await accept(this.#needs.store, jobs);
    if (!accepted.ok) return accepted;
    for (const { record } of accepted.value) if (record !== null) this.#enqueue(record);
    const views: JobView[] = [];
    for (const { record, knownId } of accepted.value) {
      const view = record === null ? await this.look(knownId) : this.#view(record);
      // Between the two look-ups the known job may have been consumed.
      if (view === null) return refuse('idempotency_result_unavailable');
      views.push({ ...view, replayed: record === null });
    }
    return succeed(views);
  }

  async look(jobId: string): Promise<JobView | null> {
    const live = this.#live.get(jobId);
    if (live !== undefined) return this.#liveView(live);
    const record = this.#queued.get(jobId) ?? (await this.#needs.store.get(jobId));
    return record === null ? null : this.#view(record);
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
    const job = this.#actorOf(jobId);
    if (job === null) return this.look(jobId);
    job.send({ type: 'job.cancel', message });
    await job.recorded();
    return this.#liveView(job);
  }

  settled(jobIds: readonly string[], mode: 'any' | 'all', signal: AbortSignal): Promise<void> {
    return this.#endings.wait(jobIds, (id) => this.#live.has(id) || this.#queued.has(id), mode, signal);
  }

  subscribe(listener: (view: JobView) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async remove(jobId: string): Promise<boolean> {
    const { store, settings, clock } = this.#needs;
    const removed = await store.remove(jobId, clock.now() + settings.resultTtlSeconds * 1_000);
    if (removed) await removeArtifacts(settings.stateDir, jobId);
    return removed;
  }

  countByState(): Promise<Record<JobState, number>> {
    return this.#needs.store.countByState();
  }

  isIdle(): boolean {
    return this.#queued.size === 0 && this.#live.size === 0 && this.#accepting === 0;
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
    this.#needs.clock.clearTimeout(this.#pruning);
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
    this.#queued.set(record.id, record);
    this.#line.add(record.sequence);
    this.#deadlines.set(record.id, record.queueDeadlineAt);
    this.#admission.enqueue(record.id, record.submission.repository);
  }

  #actorOf(jobId: string): LiveJob | null {
    const live = this.#live.get(jobId);
    if (live !== undefined) return live;
    const record = this.#queued.get(jobId);
    return record === undefined ? null : this.#awaken(record);
  }

  #awaken(record: JobRecord): LiveJob {
    const { store, pool, clock, settings, log } = this.#needs;
    const job = new LiveJob(record, {
      store,
      pool,
      clock,
      resultTtlSeconds: settings.resultTtlSeconds,
      changed: (changed) => this.#changed(changed),
      trouble: (troubled, problem) => log.error({ job: troubled.id, err: problem }, 'a job is in trouble'),
    });
    this.#live.set(record.id, job);
    return job;
  }

  #changed(job: LiveJob): void {
    const { id, state, sequence, deadlineAt, retryAt } = job.committed;
    if (state !== 'queued' && this.#queued.delete(id)) {
      this.#line.remove(sequence);
      if (deadlineAt !== null) this.#deadlines.set(id, deadlineAt);
    }
    if (retryAt === null) this.#retries.delete(id);
    else this.#retries.set(id, retryAt);
    const view = this.#liveView(job);
    if (isSettled(state)) {
      this.#deadlines.delete(id);
      this.#live.delete(id);
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
    const queuePosition = record.state === 'queued' ? this.#line.position(record.sequence) : null;
    return { record, queuePosition, replayed: false };
  }

  #liveView(job: LiveJob): JobView {
    const { committed, progress } = job;
    return this.#view({ ...committed, context: { ...committed.context, progress } });
  }

  #prune(): void {
    this.#pruning = this.#needs.clock.setTimeout(() => {
      this.#pruneOnce()
        .catch((problem) => this.#needs.log.error({ err: problem }, 'pruning failed'))
        .finally(() => this.#draining || this.#prune());
    }, PRUNE_MS);
  }

  async #pruneOnce(): Promise<void> {
    const now = this.#needs.clock.now();
    for (const id of await this.#needs.store.expired(now, PRUNE_AT_ONCE)) await this.remove(id);
    await this.#needs.store.forgetKeys(now);
  }
}
