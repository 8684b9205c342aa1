import type { Clock } from '../job/clock.js';
import type { JobView, Supervisor } from '../job/supervisor.js';
import { TELLING_SHARE, TOGETHER_MS } from './pace.js';

const LOOK_MS = 5;

/**
 * Keeps the places of the queued jobs among `views` as they are: with one that leaves the line, all behind it move.
 * `changed` is told of each whose place is another now. A long line is looked at the rarer, so that to look and to tell
 * of it takes no more than its share of the time, and a few at a time, so that it holds nobody up.
 */
export function followPlaces(
  supervisor: Supervisor,
  clock: Clock,
  views: Map<string, JobView>,
  changed: (jobId: string) => void,
) {
  let timer: unknown = null;
  let lookedAt = performance.now();
  /** What the last look, and telling since, have taken. */
  let spentMs = 0;
  /** Those that this round has not looked at. */
  let rest: MapIterator<JobView> | null = null;
  let movedSince = false;

  function lookIn(milliseconds: number): void {
    timer ??= clock.setTimeout(() => {
      timer = null;
      const early = spentMs * TELLING_SHARE - (performance.now() - lookedAt);
      if (early > 0) lookIn(Math.max(TOGETHER_MS, early));
      else look();
    }, milliseconds);
  }

  function look(): void {
    lookedAt = performance.now();
    if (rest === null) {
      rest = views.values();
      movedSince = false;
    }
    for (spentMs = 0; spentMs < LOOK_MS; spentMs = performance.now() - lookedAt) {
      const { value: view, done } = rest.next();
      if (done) {
        rest = null;
        break;
      }
      lookAt(view);
    }
    if (rest !== null || movedSince) lookIn(TOGETHER_MS);
  }

  function lookAt(view: JobView): void {
    const { id } = view.record;
    const queuePosition = supervisor.position(view.record);
    if (queuePosition === view.queuePosition) return;
    views.set(id, { ...view, queuePosition });
    changed(id);
  }

  return {
    /** A job came into the line, or left it. */
    moved(): void {
      movedSince = true;
      lookIn(TOGETHER_MS);
    },
    /** Telling took so long. */
    told(milliseconds: number): void {
      spentMs += milliseconds;
    },
    close(): void {
      clock.clearTimeout(timer);
      timer = null;
      rest = null;
    },
  };
}
