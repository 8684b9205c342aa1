import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Settings } from '../config.js';
import { isSettled, type JobRecord, jobStates } from '../job/record.js';
import type { Supervisor } from '../job/supervisor.js';
import { eventLoopDelay } from './event-loop-delay.js';

/** Seconds: from a stage that is ready at once to a job of an hour. */
const DURATIONS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600];
const COMMITS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2];

export interface Metrics {
  contentType: string;
  /** In Prometheus' text format. */
  render(): Promise<string>;
  /** Counts what happens to the jobs, from now on. */
  watch(supervisor: Supervisor, settings: Settings): void;
  /** Counts a stage that begins on the pool, until the returned function is called. */
  stageBegan(stage: string): () => void;
  /** Seconds that a write took until it was durable. */
  committed(seconds: number): void;
}

export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const stages = new Gauge({
    name: 'offshoot_pool_stages',
    help: 'Stages under way on the thread pool.',
    labelNames: ['stage'],
    registers,
  });
  const commits = new Histogram({
    name: 'offshoot_store_commit_seconds',
    help: 'Time from a write to its being durable.',
    buckets: COMMITS,
    registers,
  });
  new Gauge({ name: 'offshoot_info', help: 'The daemon.', labelNames: ['version'], registers }).set(
    { version },
    1,
  );
  eventLoopDelay(registers);

  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    watch(supervisor, settings) {
      countJobs(supervisor, settings, registers);
      countTransitions(supervisor, registers);
    },
    stageBegan(stage) {
      stages.inc({ stage });
      return () => stages.dec({ stage });
    },
    committed: (seconds) => commits.observe(seconds),
  };
}

/** What is there now, counted with each scrape. */
function countJobs(supervisor: Supervisor, settings: Settings, registers: Registry[]): void {
  new Gauge({
    name: 'offshoot_jobs',
    help: 'Jobs that are kept, by state.',
    labelNames: ['state'],
    registers,
    async collect() {
      const counts = await supervisor.countByState();
      for (const state of jobStates) this.set({ state }, counts[state]);
    },
  });
  new Gauge({
    name: 'offshoot_agents',
    help: 'Jobs whose agent may be running.',
    registers,
    async collect() {
      this.set((await supervisor.countByState()).running);
    },
  });
  new Gauge({ name: 'offshoot_agents_limit', help: 'Agents at once, at most.', registers }).set(
    settings.maxRunning,
  );
}

/** What has happened since the daemon began. */
function countTransitions(supervisor: Supervisor, registers: Registry[]): void {
  const accepted = new Counter({ name: 'offshoot_jobs_accepted_total', help: 'Jobs accepted.', registers });
  const ended = new Counter({
    name: 'offshoot_jobs_ended_total',
    help: 'Jobs that ended, by how and why.',
    labelNames: ['state', 'code'],
    registers,
  });
  const inQueue = new Histogram({
    name: 'offshoot_queue_wait_seconds',
    help: 'Time from acceptance to admission.',
    buckets: DURATIONS,
    registers,
  });
  const inState = new Histogram({
    name: 'offshoot_state_seconds',
    help: 'Time that jobs spent in a state, told when they leave it.',
    labelNames: ['state'],
    buckets: DURATIONS,
    registers,
  });

  /** The state of each unsettled job that was seen. */
  const seen = new Map<string, JobRecord['state']>();

  function enter({ id, state, context, entered }: JobRecord): void {
    const before = seen.get(id);
    if (before === state) return;
    if (isSettled(state)) {
      seen.delete(id);
      ended.inc({ state, code: context.ending?.code ?? 'none' });
    } else {
      seen.set(id, state);
    }
    // A job that is met in the middle, after a restart, has not told when it left the state before.
    if (before !== undefined) leave(before, entered[before], entered[state]);
  }

  function leave(state: JobRecord['state'], from: number | undefined, to: number | undefined): void {
    if (from === undefined || to === undefined) return;
    const seconds = Math.max(0, to - from) / 1_000;
    inState.observe({ state }, seconds);
    if (state === 'queued') inQueue.observe(seconds);
  }

  supervisor.inspect({
    accepted: (views) => {
      accepted.inc(views.length);
      for (const { record } of views) seen.set(record.id, record.state);
    },
    took: () => undefined,
    removed: () => undefined,
  });
  supervisor.subscribe(({ record }) => enter(record));
}
