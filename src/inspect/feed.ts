import type { JobState } from '../../machines/job.js';
import type { Clock } from '../job/clock.js';
import { isSettled, jobStates } from '../job/record.js';
import type { JobView, Supervisor } from '../job/supervisor.js';
import { Backlog, type Viewer } from './backlog.js';
import type { Frame, Step } from './frames.js';
import { TELLING_SHARE, TOGETHER_MS } from './pace.js';
import { followPlaces } from './places.js';

const SLOWEST_MS = 1_000;
export const MOST_JOBS = 20_000;
const MOST_VIEWERS = 64;
const PAGE = 500;

export interface Watch {
  resume(): void;
  close(): void;
}

export interface Feed {
  /** Sends a viewer every job, and from then on what changes. Null when there are too many viewers. */
  watch(viewer: Viewer): Watch | null;
  close(): void;
}

/**
 * The one place where the jobs' actors are looked at. Between two frames only the latest snapshot of a job is
 * kept, with the steps that led there, so a slow viewer costs no more memory than the jobs themselves. Without
 * viewers nothing is watched and nothing is kept.
 */
export function createFeed(supervisor: Supervisor, clock: Clock): Feed {
  const views = new Map<string, JobView>();
  const backlogs = new Set<Backlog>();
  let counts = Object.fromEntries(jobStates.map((state) => [state, 0])) as Frame['counts'];
  let leave: (() => void) | null = null;
  /** Every job that there is room for is among the views. */
  let complete = false;
  let timer: unknown = null;
  let interval = TOGETHER_MS;
  const places = followPlaces(supervisor, clock, views, (jobId) => mark(jobId));

  function mark(jobId: string, step?: Step): void {
    for (const backlog of backlogs) backlog.change(jobId, step);
    flushSoon();
  }

  function keep(view: JobView): void {
    const { id, state } = view.record;
    if ((views.get(id)?.record.state === 'queued') !== (state === 'queued')) places.moved();
    if (!views.has(id) && views.size >= MOST_JOBS && !makeRoom(state)) return;
    views.set(id, view);
    mark(id);
  }

  function makeRoom(state: JobState): boolean {
    const least = leastOf([...views.values()], state);
    if (least !== undefined) forget(least.record.id);
    return least !== undefined;
  }

  function forget(jobId: string): void {
    views.delete(jobId);
    for (const backlog of backlogs) backlog.forget(jobId);
    flushSoon();
  }

  function attach(): () => void {
    const leaveInspector = supervisor.inspect({
      accepted: (accepted) => {
        for (const view of accepted) keep(view);
      },
      took: (jobId, event, state, at) => {
        if (isStep(event)) mark(jobId, { at, event, state });
      },
      removed: forget,
    });
    const leaveViews = supervisor.subscribe(keep);
    return () => {
      leaveInspector();
      leaveViews();
    };
  }

  async function load(): Promise<void> {
    const attached = leave;
    await loadPages(attached).catch(() => undefined);
    if (leave !== attached) return;
    complete = true;
    flushSoon();
  }

  async function loadPages(attached: typeof leave): Promise<void> {
    for await (const page of pagesOfJobs(supervisor)) {
      if (leave !== attached || views.size >= MOST_JOBS) return;
      // What came in by itself meanwhile is newer.
      for (const view of page) if (!views.has(view.record.id)) keep(view);
    }
  }

  function flushSoon(): void {
    timer ??= clock.setTimeout(() => void flush(), interval);
  }

  async function flush(): Promise<void> {
    const due = timer;
    const started = performance.now();
    counts = await supervisor.countByState().catch(() => counts);
    // Whoever looked on has left meanwhile; another has a timer of its own.
    if (timer !== due) return;
    timer = null;
    for (const backlog of backlogs) send(backlog);
    interval = Math.min(SLOWEST_MS, Math.max(TOGETHER_MS, (performance.now() - started) * TELLING_SHARE));
  }

  function send(backlog: Backlog): void {
    const started = performance.now();
    backlog.send({ at: clock.now(), counts, views, complete });
    places.told(performance.now() - started);
  }

  function detach(): void {
    leave?.();
    leave = null;
    complete = false;
    places.close();
    views.clear();
    clock.clearTimeout(timer);
    timer = null;
  }

  return {
    watch(viewer) {
      if (backlogs.size >= MOST_VIEWERS) return null;
      const backlog = new Backlog(viewer, views.keys());
      backlogs.add(backlog);
      if (leave === null) {
        leave = attach();
        void load();
      }
      flushSoon();
      return {
        resume() {
          backlog.resume();
          if (backlogs.has(backlog)) send(backlog);
        },
        close() {
          if (backlogs.delete(backlog) && backlogs.size === 0) detach();
        },
      };
    },
    close() {
      backlogs.clear();
      detach();
    },
  };
}

/** The job to leave out for one in `state`: a settled one first; one that left the queue is worth more than one in it. */
const leastOf = (views: readonly JobView[], state: JobState): JobView | undefined =>
  views.find(({ record }) => isSettled(record.state)) ??
  (state === 'queued' ? undefined : views.find(({ record }) => record.state === 'queued'));

/** Jobs that hold permits first: they are few, and may be older than all that fits. Then all, newest first. */
async function* pagesOfJobs(supervisor: Supervisor): AsyncGenerator<JobView[]> {
  for (const state of ['running', 'worktree', 'diffing', 'retrying'] as const)
    yield* pagesOf(supervisor, { state });
  yield* pagesOf(supervisor, {});
}

async function* pagesOf(supervisor: Supervisor, filter: { state?: JobState }): AsyncGenerator<JobView[]> {
  let before: { before?: number } = {};
  for (;;) {
    const page = await supervisor.list({ ...filter, ...before, limit: PAGE });
    yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    before = { before: last.record.sequence };
  }
}

/** What an agent does between two states is told by the job's row. */
const isStep = (event: string) => event !== 'run.progress';
