import type { JobState } from '../../machines/job.js';
import type { Clock } from '../job/clock.js';
import { isSettled } from '../job/record.js';
import type { Supervisor } from '../job/supervisor.js';
import type { Sample } from './frames.js';

const EVERY_MS = 5_000;
/** An hour of samples. */
const MOST_SAMPLES = 720;

export interface History {
  /** Oldest first; where nothing happened for long, samples are missing. */
  samples(): readonly Sample[];
  close(): void;
}

/** Remembers how deep the queue was and how many jobs ended, so that a page opened late shows it. */
export function createHistory(supervisor: Supervisor, clock: Clock): History {
  const samples: Sample[] = [];
  let done = 0;
  let notDone = 0;
  let changed = true;
  let timer: unknown;
  let closed = false;

  const leave = supervisor.inspect({
    accepted: () => {
      changed = true;
    },
    took: (_, event, state) => {
      if (event === 'run.progress') return;
      changed = true;
      if (!isSettled(state)) return;
      if (state === 'done') done += 1;
      else notDone += 1;
    },
    removed: () => undefined,
  });

  async function sample(): Promise<void> {
    const quiet = !changed;
    changed = false;
    // One more after the last change, so that what ended then is not shown as going on.
    if (quiet && isStill(samples.at(-1))) return;
    const counts = await supervisor.countByState();
    samples.push({ at: clock.now(), queued: counts.queued, working: workingOf(counts), done, notDone });
    done = 0;
    notDone = 0;
    if (samples.length > MOST_SAMPLES) samples.shift();
  }

  const schedule = () => {
    if (closed) return;
    timer = clock.setTimeout(
      () =>
        void sample()
          .catch(() => undefined)
          .then(schedule),
      EVERY_MS,
    );
  };
  void sample()
    .catch(() => undefined)
    .then(schedule);

  return {
    samples: () => samples,
    close() {
      closed = true;
      leave();
      clock.clearTimeout(timer);
    },
  };
}

const isStill = (last: Sample | undefined) => last !== undefined && last.done + last.notDone === 0;

/** Jobs that hold a permit. */
const workingOf = (counts: Record<JobState, number>): number =>
  counts.worktree + counts.running + counts.retrying + counts.diffing;
