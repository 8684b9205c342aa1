import type { JobState } from '../../machines/job.js';
import type { Clock } from '../job/clock.js';
import { isSettled, jobStates } from '../job/record.js';
import type { JobView, Supervisor } from '../job/supervisor.js';
import type { Frame, Step } from './frames.js';
import { rowOf } from './rows.js';

/** A viewer hears of one job at most ten times a second. */
const TOGETHER_MS = 100;
/** How much of the time telling may take: one part in this many. The more jobs are at work, the rarer a frame. */
const TELLING_SHARE = 64;
const SLOWEST_MS = 1_000;
export const MOST_JOBS = 20_000;
const ROWS_IN_A_FRAME = 500;
const STEPS_IN_A_FRAME = 32;
const MOST_VIEWERS = 64;
const PAGE = 500;

/** Whoever looks on. */
export interface Viewer {
  /** False when it can take no more for now: then nothing is sent until `resume` is called. */
  send(frame: Frame): boolean;
}

export interface Watch {
  resume(): void;
  close(): void;
}

export interface Feed {
  /** Sends a viewer every job, and from then on what changes. Null when there are too many viewers. */
  watch(viewer: Viewer): Watch | null;
  close(): void;
}

/** What one viewer was not told yet. */
interface Backlog {
  viewer: Viewer;
  /** By job: the steps it took since; a job without steps changed in another way. */
  changed: Map<string, Step[]>;
  gone: Set<string>;
  /** Was sent nothing yet: its first frame comes even if there are no jobs. */
  fresh: boolean;
  waits: boolean;
}

/**
 * The one place where the jobs' actors are looked at. Between two frames only the latest snapshot of a job is
 * kept, with the steps that led there, so a slow viewer costs no more memory than the jobs themselves. Without
 * viewers nothing is watched and nothing is kept.
 */
export function createFeed(supervisor: Supervisor, clock: Clock): Feed {
  const views = new Map<string, JobView>();
  const backlogs = new Set<Backlog>();
  let counts = Object.fromEntries(jobStates.map((state) => [state, 0])) as Record<JobState, number>;
  let leave: (() => void) | null = null;
  let timer: unknown = null;
  let interval = TOGETHER_MS;

  function mark(jobId: string, step?: Step): void {
    for (const { changed } of backlogs) {
      const steps = changed.get(jobId) ?? [];
      changed.set(jobId, steps);
      if (step === undefined) continue;
      steps.push(step);
      if (steps.length > STEPS_IN_A_FRAME) steps.shift();
    }
    flushSoon();
  }

  function keep(view: JobView): void {
    const { id, state } = view.record;
    if (!views.has(id) && views.size >= MOST_JOBS && !makeRoom(state)) return;
    views.set(id, view);
    mark(id);
  }

  /** A settled job goes first; a job that left the queue is worth more than one that waits in it. */
  function makeRoom(state: JobState): boolean {
    const all = [...views.values()];
    const least =
      all.find(({ record }) => isSettled(record.state)) ??
      (state === 'queued' ? undefined : all.find(({ record }) => record.state === 'queued'));
    if (least !== undefined) forget(least.record.id);
    return least !== undefined;
  }

  function forget(jobId: string): void {
    views.delete(jobId);
    for (const { changed, gone } of backlogs) {
      changed.delete(jobId);
      gone.add(jobId);
    }
    flushSoon();
  }

  function attach(): void {
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
    leave = () => {
      leaveInspector();
      leaveViews();
    };
    void load().catch(() => undefined);
  }

  /** Jobs that hold slots first: they are few, and may be older than all that fits. */
  async function load(): Promise<void> {
    for (const state of ['running', 'worktree', 'diffing', 'retrying'] as const) await loadPages({ state });
    await loadPages({});
  }

  async function loadPages(filter: { state?: JobState }): Promise<void> {
    let before: number | undefined;
    while (leave !== null && views.size < MOST_JOBS) {
      const page = await supervisor.list({
        ...filter,
        limit: PAGE,
        ...(before === undefined ? {} : { before }),
      });
      // What came in by itself meanwhile is newer.
      for (const view of page) if (!views.has(view.record.id)) keep(view);
      if (page.length < PAGE) return;
      before = page.at(-1)?.record.sequence;
    }
  }

  function flushSoon(): void {
    timer ??= clock.setTimeout(() => void flush(), interval);
  }

  async function flush(): Promise<void> {
    const started = performance.now();
    counts = await supervisor.countByState().catch(() => counts);
    timer = null;
    for (const backlog of backlogs) send(backlog);
    interval = Math.min(SLOWEST_MS, Math.max(TOGETHER_MS, (performance.now() - started) * TELLING_SHARE));
  }

  function send(backlog: Backlog): void {
    while (!backlog.waits && (backlog.fresh || backlog.changed.size > 0 || backlog.gone.size > 0)) {
      backlog.fresh = false;
      backlog.waits = !backlog.viewer.send(nextFrame(backlog));
    }
  }

  function nextFrame({ changed, gone }: Backlog): Frame {
    const jobs: Frame['jobs'] = [];
    for (const [jobId, steps] of changed) {
      changed.delete(jobId);
      const view = views.get(jobId);
      if (view !== undefined) jobs.push({ row: rowOf(view), steps });
      if (jobs.length === ROWS_IN_A_FRAME) break;
    }
    const frame = {
      kind: 'frame' as const,
      at: clock.now(),
      counts,
      jobs,
      gone: [...gone],
      more: changed.size > 0,
    };
    gone.clear();
    return frame;
  }

  function detach(): void {
    leave?.();
    leave = null;
    views.clear();
    clock.clearTimeout(timer);
    timer = null;
  }

  return {
    watch(viewer) {
      if (backlogs.size >= MOST_VIEWERS) return null;
      const backlog: Backlog = { viewer, changed: new Map(), gone: new Set(), fresh: true, waits: false };
      for (const jobId of views.keys()) backlog.changed.set(jobId, []);
      backlogs.add(backlog);
      if (leave === null) attach();
      flushSoon();
      return {
        resume() {
          backlog.waits = false;
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

/** What an agent does between two states is told by the job's row. */
const isStep = (event: string) => event !== 'run.progress';
