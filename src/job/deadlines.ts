import TinyQueue from 'tinyqueue';
import type { Clock } from './clock.js';

/** Looks at the clock at least this often, so that a clock that jumps is noticed. */
const LONGEST_WAIT_MS = 30_000;

/** Absolute instants, any number of them, on one timer. */
export interface Deadlines {
  /** Sets the instant of a job, in place of an earlier one. */
  set(jobId: string, at: number): void;
  delete(jobId: string): void;
  /** For good: what is set after it has no timer, which would keep the program from ending. */
  close(): void;
}

/** Calls `passed` once for each job whose instant has come; an instant in the past comes at the next turn. */
export function createDeadlines(clock: Clock, passed: (jobId: string) => void): Deadlines {
  const instants = new Map<string, number>();
  // An instant that was replaced or deleted stays in the line until its turn, and is then passed over.
  const line = new TinyQueue<{ jobId: string; at: number }>([], (a, b) => a.at - b.at);
  let timer: unknown;
  let timerAt = Number.POSITIVE_INFINITY;
  let closed = false;

  const arm = () => {
    if (closed) return;
    const next = line.peek();
    const at = next === undefined ? Number.POSITIVE_INFINITY : next.at;
    if (at >= timerAt && timer !== undefined) return;
    clock.clearTimeout(timer);
    timer = undefined;
    timerAt = at;
    if (next === undefined) return;
    timer = clock.setTimeout(fire, Math.min(Math.max(0, at - clock.now()), LONGEST_WAIT_MS));
  };
  const fire = () => {
    timer = undefined;
    timerAt = Number.POSITIVE_INFINITY;
    const now = clock.now();
    for (let next = line.peek(); next !== undefined && next.at <= now; next = line.peek()) {
      line.pop();
      if (instants.get(next.jobId) !== next.at) continue;
      instants.delete(next.jobId);
      passed(next.jobId);
    }
    arm();
  };

  return {
    set(jobId, at) {
      instants.set(jobId, at);
      line.push({ jobId, at });
      arm();
    },
    delete: (jobId) => void instants.delete(jobId),
    close() {
      closed = true;
      clock.clearTimeout(timer);
      instants.clear();
    },
  };
}
