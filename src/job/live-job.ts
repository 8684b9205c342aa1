import { createActor, type SnapshotFrom } from 'xstate';
import type { JobEvent, JobState, Progress } from '../../machines/job.js';
import type { Backend } from '../config.js';
import type { Store } from '../store/store.js';
import type { ActorsJob, ProvidedMachine, StageEnd } from './actors.js';
import type { Clock } from './clock.js';
import { isSettled, type JobRecord, type JournalEntry, type Submission } from './record.js';

/** How long to wait before a commit that failed is tried again: a full disk may get room. */
const RETRY_COMMIT_MS = 1_000;

export interface LiveJobNeeds {
  /** One for all jobs: providing actors costs far more than making one. */
  machine: ProvidedMachine;
  store: Store;
  clock: Clock;
  /** Aborts when the supervisor is closed: commits that failed are then left to the next. */
  closed: AbortSignal;
  resultTtlSeconds: number;
  /** Whether the ends of jobs are told to the user's command or URL. */
  announces: boolean;
  /** What a job that starts now is to run on. */
  backendFor(submission: Submission): Backend;
  /** Called after each change that is durable, and on live progress. */
  changed(job: LiveJob): void;
  /** Called when it is found before its timer that the deadline of the run has passed. */
  deadlinePassed(job: LiveJob): void;
  /** Called after each event that the actor took. */
  inspected(job: LiveJob, event: string, state: JobState, at: number): void;
  /** Called when the store refuses commits, or something that must not happen did. */
  trouble(job: LiveJob, problem: unknown): void;
}

/** One job that has not settled, with its actor: sends it events, records each of its transitions. */
export class LiveJob implements ActorsJob {
  /** What is durable. */
  committed: JobRecord;
  /** What the agent has done so far; durable only with the next transition. */
  progress: Progress;
  /** Resolves once the job has settled and that is durable. */
  readonly ended: Promise<void>;
  readonly #needs: LiveJobNeeds;
  readonly #actor;
  #end: () => void = () => undefined;
  #written: JobRecord;
  #recorded: Promise<JobRecord>;
  /** Of the stage that is entered; null before the first. */
  #stopping: AbortController | null = null;
  /** The event that `send` gives to the actor; null when what it takes is the end of a stage. */
  #sent: JobEvent['type'] | null = null;
  #stageEnd: StageEnd | null = null;

  constructor(record: JobRecord, needs: LiveJobNeeds) {
    this.#needs = needs;
    this.committed = record;
    this.progress = record.context.progress;
    this.#written = record;
    this.#recorded = Promise.resolve(record);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    const { machine } = needs;
    const snapshot = machine.resolveState({ value: stateValueOf(record.state), context: record.context });
    this.#actor = createActor(machine, { input: { jobId: record.id }, snapshot });
    this.#actor.subscribe({
      next: (snapshot) => this.#observe(snapshot),
      error: (problem) => needs.trouble(this, problem),
    });
    this.#actor.start();
  }

  get id(): string {
    return this.committed.id;
  }

  /** True from the cancel on, which may not be durable yet. */
  get isCancelled(): boolean {
    return this.#written.context.ending?.kind === 'cancelled';
  }

  send(event: JobEvent): void {
    this.#sent = event.type;
    this.#actor.send(event);
    this.#sent = null;
  }

  /** The record, once everything that happened so far is durable. Rejects when the supervisor is closed before. */
  recorded(): Promise<JobRecord> {
    // A stage is started before its state is observed: one turn later the commit is under way.
    return Promise.resolve().then(() => this.#recorded);
  }

  async task(): Promise<string> {
    const task = await this.#needs.store.task(this.id);
    if (task === null) throw new Error('A job that runs has a task.');
    return task;
  }

  stopSignal(): AbortSignal {
    this.#stopping = new AbortController();
    return this.#stopping.signal;
  }

  stopStage(): void {
    this.#stopping?.abort();
  }

  lookAtDeadline(): void {
    const { deadlineAt } = this.committed;
    if (deadlineAt !== null && this.#needs.clock.now() >= deadlineAt) this.#needs.deadlinePassed(this);
  }

  stageEnded(end: StageEnd): void {
    this.#stageEnd = end;
  }

  /** Forgets the actor; an agent that runs goes on. */
  abandon(): void {
    this.#actor.stop();
  }

  /** Called after each event that the actor took, and once at its start. */
  #observe(snapshot: SnapshotFrom<ProvidedMachine>): void {
    const event = this.#sent ?? this.#stageEnd?.event;
    // At its start it is as it was stored.
    if (event === undefined) return;
    if (this.#sent === null && this.#stageEnd?.event === 'stage.broken')
      this.#needs.trouble(this, this.#stageEnd.problem);
    const { context } = snapshot;
    const state = stateOf(snapshot.value);
    if (context.progress !== this.progress) {
      this.progress = context.progress;
      this.#needs.changed(this);
    }
    const at = this.#needs.clock.now();
    this.#record(state, context, event, at);
    this.#needs.inspected(this, event, state, at);
  }

  /** Commits what the event changed of that which outlives the daemon. */
  #record(state: JobState, context: JobRecord['context'], event: string, at: number): void {
    const decided = context.ending !== null && this.#written.context.ending === null;
    if (state === this.#written.state && !decided) return;
    this.#written = this.#next(state, context, at);
    const reason = decided ? (context.ending?.message ?? null) : null;
    this.#commit(this.#written, { at, state, event, reason });
  }

  #next(state: JobState, context: JobRecord['context'], now: number): JobRecord {
    const before = this.#written;
    const admitted = before.state === 'queued' && state === 'worktree';
    return {
      ...before,
      state,
      context,
      entered: state === before.state ? before.entered : { ...before.entered, [state]: now },
      retryAt: state === 'retrying' ? now + (context.failedAttempts.at(-1)?.retryAfterMs ?? 0) : null,
      submission: admitted
        ? { ...before.submission, backend: this.#needs.backendFor(before.submission) }
        : before.submission,
      deadlineAt: admitted ? now + before.submission.deadlineSeconds * 1_000 : before.deadlineAt,
      expiresAt: isSettled(state) ? now + this.#needs.resultTtlSeconds * 1_000 : null,
      announce: isSettled(state) && this.#needs.announces,
    };
  }

  #commit(record: JobRecord, entry: JournalEntry): void {
    const previous = this.#recorded;
    this.#recorded = (async () => {
      await previous;
      await this.#save(record, entry);
      this.committed = record;
      this.#needs.changed(this);
      if (isSettled(record.state)) this.#end();
      return record;
    })();
    // Whoever waits for it is told; nobody need.
    this.#recorded.catch(() => undefined);
  }

  async #save(record: JobRecord, entry: JournalEntry): Promise<void> {
    for (;;) {
      try {
        if (!(await this.#needs.store.save(record, entry))) {
          this.#needs.trouble(
            this,
            new Error(`The store refused ${record.state}: the job has settled already.`),
          );
        }
        return;
      } catch (problem) {
        if (this.#needs.closed.aborted) throw problem;
        this.#needs.trouble(this, problem);
        await new Promise<void>((resolve) => this.#needs.clock.setTimeout(resolve, RETRY_COMMIT_MS));
      }
    }
  }
}

const stateOf = (value: SnapshotFrom<ProvidedMachine>['value']): JobState =>
  typeof value === 'string' ? value : value.active;

const stateValueOf = (state: JobState): SnapshotFrom<ProvidedMachine>['value'] =>
  isSettled(state) ? state : { active: state };
