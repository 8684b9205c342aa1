import type { JobState } from '../../machines/job.js';
import type { Limits } from '../../src/job/admission.js';
import { isSettled, type JobRecord } from '../../src/job/record.js';
import type { JobView } from '../../src/job/supervisor.js';
import type { StageName } from '../../src/pool/messages.js';
import type { NewJob } from '../../src/store/store.js';
import type { Agent } from './outside.js';

/** The limits that the simulation watches; it has one client only. */
type AgentLimits = Pick<Limits, 'maxRunning' | 'maxRunningPerRepo'>;

/** What is known of one job outside of the daemon: it follows the disk. */
export interface KnownJob {
  /** Order of acceptance; stands for the job in a trace, whose id is random. */
  number: number;
  record: JobRecord;
  argumentsHash: string;
  acceptedAt: number;
  acknowledged: boolean;
  /** Its diff stage broke. That is a bug, and leaves the worktree to the reconciliation of the next start. */
  diffBroke: boolean;
  consumed: boolean;
  /** The job is no longer kept; its key may be. */
  gone: boolean;
  keepKeyUntil: number;
}

const TRACE_LINES = 60;
const stateOfStage: Partial<Record<StageName, JobState>> = {
  worktree: 'worktree',
  run: 'running',
  diff: 'diffing',
};

/**
 * Holds the daemon to what `always holds`, from outside: it sees what reaches the disk, which agents and
 * worktrees are there, and what clients hear. The promises about git, patches and bytes have tests of
 * their own.
 */
export class Promises {
  readonly jobs = new Map<string, KnownJob>();
  readonly open = new Set<KnownJob>();
  readonly alive = new Set<Agent>();
  broken: string | null = null;
  hash = 0x811c9dc5;
  /** The last lines of what came about. */
  readonly trace: string[] = [];
  readonly endings: Record<string, number> = {};
  #limits: AgentLimits = { maxRunning: 1, maxRunningPerRepo: 1 };
  /** Jobs that had a permit when the daemon came up: they may be above its limits. */
  #resumed: KnownJob[] = [];
  readonly #byKey = new Map<string, KnownJob[]>();
  #announced = new Set<string>();
  /** Jobs whose next state this daemon asked the disk to keep: a disk that fails keeps it when it can. */
  #saving = new Set<string>();

  constructor(
    readonly now: () => number,
    readonly hasWorktree: (jobId: string) => boolean,
  ) {}

  /** A new daemon is about to read the store. */
  booting(limits: AgentLimits): void {
    this.#limits = limits;
    this.#announced = new Set();
    this.#saving = new Set();
    this.#resumed = [...this.open].filter(({ record }) => record.state !== 'queued');
    this.note('boot', null);
  }

  created(jobs: readonly NewJob[]): void {
    for (const { record, argumentsHash } of jobs) {
      if (this.jobs.has(record.id)) continue;
      const key = record.submission.idempotencyKey;
      const owner = key === null ? undefined : this.ownerOf(key);
      this.hold(owner === undefined, 'a key starts a job once', owner);
      const number = this.jobs.size + 1;
      const known: KnownJob = {
        number,
        record,
        argumentsHash,
        acceptedAt: this.now(),
        acknowledged: false,
        diffBroke: false,
        consumed: false,
        gone: false,
        keepKeyUntil: 0,
      };
      this.jobs.set(record.id, known);
      this.open.add(known);
      if (key !== null) this.#byKey.set(key, [...this.everStarted(key), known]);
      this.note('created', known);
    }
  }

  /** The job for which a key stands: as long as it is kept, and then as long as its key is. */
  ownerOf(key: string): KnownJob | undefined {
    return this.everStarted(key).find(({ gone, keepKeyUntil }) => !gone || keepKeyUntil > this.now());
  }

  everStarted(key: string | null): readonly KnownJob[] {
    return (key === null ? undefined : this.#byKey.get(key)) ?? [];
  }

  saving({ id }: JobRecord): void {
    this.#saving.add(id);
  }

  saved(record: JobRecord): void {
    const known = this.#known(record.id);
    const before = known.record;
    if (isSettled(before.state)) {
      this.hold(sameOutcome(before, record), 'a settled job keeps its outcome', known);
    }
    if (before.context.ending !== null) {
      this.hold(before.context.ending.code === record.context.ending?.code, 'the first cause wins', known);
    }
    known.record = record;
    this.note(record.state, known);
    if (before.state === 'queued' && record.state === 'worktree') this.#admitted(known);
    if (isSettled(record.state) && !isSettled(before.state)) this.#settled(known);
  }

  #admitted(known: KnownJob): void {
    const { repository } = known.record.submission;
    const holding = [...this.open].filter(({ record }) => record.state !== 'queued');
    const beside = holding.filter(({ record }) => record.submission.repository === repository);
    this.hold(holding.length <= this.#limits.maxRunning, 'no admission above the limit', known);
    this.hold(
      beside.length <= this.#limits.maxRunningPerRepo,
      'no admission above the limit of a repository',
      known,
    );
    const overtaken = [...this.open].find(
      ({ record, acceptedAt, acknowledged }) =>
        acknowledged &&
        record.state === 'queued' &&
        !this.#saving.has(record.id) &&
        acceptedAt < known.acceptedAt &&
        record.sequence < known.record.sequence &&
        record.submission.repository === repository,
    );
    this.hold(overtaken === undefined, 'a repository admits in order', known);
  }

  #settled(known: KnownJob): void {
    const { id, state, context } = known.record;
    this.open.delete(known);
    this.endings[state] = (this.endings[state] ?? 0) + 1;
    const kind = context.ending?.kind ?? 'done';
    this.hold(kind === state, 'a job ends as its cause says', known);
    const living = [...this.alive].some((agent) => agent.jobId === id);
    this.hold(!living, 'no agent outlives its job', known);
    this.hold(known.diffBroke || !this.hasWorktree(id), 'no worktree outlives its job', known);
  }

  removed(id: string, keepKeyUntil: number): void {
    const known = this.#known(id);
    const { expiresAt, state } = known.record;
    this.hold(isSettled(state), 'only a settled job is removed', known);
    const due = expiresAt !== null && expiresAt <= this.now();
    this.hold(known.consumed || due, 'an unread result is not evicted', known);
    known.gone = true;
    known.keepKeyUntil = keepKeyUntil;
    this.note('removed', known);
  }

  acknowledged(id: string): void {
    const known = this.jobs.get(id);
    this.hold(known !== undefined, 'an acknowledged job is durable');
    if (known !== undefined) known.acknowledged = true;
  }

  cancelAcknowledged(id: string): void {
    const known = this.#known(id);
    const { state, context } = known.record;
    const decided = isSettled(state) || context.ending !== null;
    this.hold(decided, 'an acknowledged cancel is durable', known);
  }

  announced({ record }: JobView): void {
    const known = this.#known(record.id);
    if (!isSettled(record.state)) return;
    this.hold(known.record.state === record.state, 'an outcome is announced when it is durable', known);
    this.hold(!this.#announced.has(record.id), 'a job settles once', known);
    this.#announced.add(record.id);
  }

  stageFailed(stage: StageName, jobId: string): void {
    if (stage === 'diff') this.#known(jobId).diffBroke = true;
  }

  stageStarted(stage: StageName, jobId: string): void {
    const known = this.#known(jobId);
    const durable = known.record.state === stateOfStage[stage];
    this.hold(durable, 'nothing is started before its state is durable', known);
    this.note(stage, known);
  }

  agentStarted(agent: Agent): void {
    const known = this.#known(agent.jobId);
    const twin = [...this.alive].some(({ jobId }) => jobId === agent.jobId);
    this.hold(!twin, 'a job has one agent', known);
    this.alive.add(agent);
    const resumed = this.#resumed.filter((one) => this.open.has(one));
    const room = (limit: number, above: readonly KnownJob[]) => Math.max(limit, above.length);
    const here = ({ record }: KnownJob) => record.submission.repository === agent.repository;
    const beside = [...this.alive].filter(({ repository }) => repository === agent.repository);
    const { maxRunning, maxRunningPerRepo } = this.#limits;
    this.hold(this.alive.size <= room(maxRunning, resumed), 'no more agents than the limit', known);
    this.hold(
      beside.length <= room(maxRunningPerRepo, resumed.filter(here)),
      'no more agents on a repository than its limit',
      known,
    );
    this.hold(!isSettled(known.record.state), 'a settled job starts no agent', known);
    this.note('agent', known);
  }

  agentDied(agent: Agent): void {
    this.alive.delete(agent);
    this.note(`dead ${agent.end}`, this.#known(agent.jobId));
  }

  /** To be asked often: `patience` is how late a deadline may fire. */
  checkDeadlines(bootedAt: number, patience: number): void {
    for (const known of this.open) {
      const { state, context, queueDeadlineAt, deadlineAt } = known.record;
      if (!known.acknowledged || state === 'diffing' || context.ending !== null) continue;
      const due = state === 'queued' ? queueDeadlineAt : (deadlineAt ?? Number.POSITIVE_INFINITY);
      this.hold(this.now() <= Math.max(due, bootedAt) + patience, 'a deadline fires', known);
    }
  }

  /** Records the first promise that does not hold. */
  hold(holds: boolean, promise: string, known?: KnownJob): void {
    if (holds || this.broken !== null) return;
    this.broken = known === undefined ? promise : `${promise} (job ${known.number}, ${known.record.state})`;
  }

  /** Adds to the trace. */
  note(what: string, known: KnownJob | null): void {
    const line = `${this.now()} ${known?.number ?? 0} ${what}`;
    this.trace.push(line);
    if (this.trace.length > 2 * TRACE_LINES) this.trace.splice(0, TRACE_LINES);
    for (let index = 0; index < line.length; index += 1)
      this.hash = Math.imul(this.hash ^ line.charCodeAt(index), 0x01000193) >>> 0;
  }

  #known(id: string): KnownJob {
    const known = this.jobs.get(id);
    if (known !== undefined) return known;
    this.hold(false, 'nothing happens to a job that was not accepted');
    throw new Error('There is no such job.');
  }
}

const sameOutcome = (one: JobRecord, other: JobRecord): boolean =>
  one.state === other.state && JSON.stringify(one.context) === JSON.stringify(other.context);
