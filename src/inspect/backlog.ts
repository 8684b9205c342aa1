import type { JobView } from '../job/supervisor.js';
import type { Frame, Step } from './frames.js';
import { rowOf } from './rows.js';

const ROWS_IN_A_FRAME = 500;
const STEPS_IN_A_FRAME = 32;

/** Whoever looks on. */
export interface Viewer {
  /** False when it can take no more for now: then nothing is sent until `resume` is called. */
  send(frame: Frame): boolean;
}

/** What is true of the swarm when a frame is made. */
export interface Moment {
  at: number;
  counts: Frame['counts'];
  views: ReadonlyMap<string, JobView>;
  /** Whether every job is among the views; at first they are still being read. */
  complete: boolean;
}

/** What one viewer was not told yet: of each job that it changed, with the steps that led to how it is now. */
export class Backlog {
  readonly #viewer: Viewer;
  /** By job: the steps it took since; a job without steps changed in another way. */
  readonly #changed: Map<string, Step[]>;
  readonly #gone = new Set<string>();
  /** Was told of every job: a frame says so even if there are no jobs. */
  #complete = false;
  #waits = false;

  /** Everything there is has changed for a viewer that knows nothing. */
  constructor(viewer: Viewer, jobIds: Iterable<string>) {
    this.#viewer = viewer;
    this.#changed = new Map([...jobIds].map((jobId) => [jobId, []]));
  }

  change(jobId: string, step?: Step): void {
    const steps = this.#changed.get(jobId) ?? [];
    this.#changed.set(jobId, steps);
    if (step === undefined) return;
    steps.push(step);
    if (steps.length > STEPS_IN_A_FRAME) steps.shift();
  }

  forget(jobId: string): void {
    this.#changed.delete(jobId);
    this.#gone.add(jobId);
  }

  /** The viewer can take more. */
  resume(): void {
    this.#waits = false;
  }

  /** Sends frames until all is told, or the viewer can take no more. */
  send(moment: Moment): void {
    while (!this.#waits && this.#hasNews(moment)) this.#waits = !this.#viewer.send(this.#nextFrame(moment));
  }

  #hasNews({ complete }: Moment): boolean {
    return this.#changed.size > 0 || this.#gone.size > 0 || (complete && !this.#complete);
  }

  #nextFrame({ at, counts, views, complete }: Moment): Frame {
    const jobs: Frame['jobs'] = [];
    for (const [jobId, steps] of this.#changed) {
      this.#changed.delete(jobId);
      const view = views.get(jobId);
      if (view !== undefined) jobs.push({ row: rowOf(view), steps });
      if (jobs.length === ROWS_IN_A_FRAME) break;
    }
    const gone = [...this.#gone];
    this.#gone.clear();
    const more = this.#changed.size > 0 || !complete;
    this.#complete ||= !more;
    return { kind: 'frame', at, counts, jobs, gone, more };
  }
}
