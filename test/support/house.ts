import { submissionFor } from '../../bench/support/submission.js';
import type { RunReport } from '../../machines/job.js';
import { loadSettings, type Settings } from '../../src/config.js';
import type { Clock } from '../../src/job/clock.js';
import type { Submission } from '../../src/job/record.js';
import type { SubmitRequest } from '../../src/job/supervisor.js';

/** Settings for tests: a state directory of their own, and what the test sets over the defaults. */
export function testSettings(stateDir: string, over: Partial<Settings> = {}): Settings {
  const known = loadedSettings.get(stateDir) ?? load(stateDir);
  loadedSettings.set(stateDir, known);
  return { ...known, ...over };
}

/** A simulation asks for them thousands of times. */
const loadedSettings = new Map<string, Settings>();

function load(stateDir: string): Settings {
  const loaded = loadSettings({ OFFSHOOT_STATE_DIR: stateDir, HOME: stateDir, PATH: '/usr/bin:/bin' });
  if (!loaded.ok) throw new Error(loaded.fault.message);
  return loaded.value.settings;
}

/** A clock that moves when the test says so. */
export class TestClock implements Clock {
  #now = 1_800_000_000_000;
  #timers: { at: number; callback: () => void }[] = [];

  now = () => this.#now;

  setTimeout(callback: () => void, milliseconds: number): unknown {
    const timer = { at: this.#now + milliseconds, callback };
    this.#timers.push(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** Is put back, as the clock on the wall may be; no timer notices. */
  putBack(milliseconds: number): void {
    this.#now -= milliseconds;
  }

  /** Is set forward, as it may be too; timers come later than their instants. */
  setForward(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** Moves on, and calls what falls due on the way, in order. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = Math.max(this.#now, due.at);
      this.clearTimeout(due);
      due.callback();
    }
    this.#now = end;
  }
}

export const submission = (over: Partial<Submission> = {}): Submission => ({
  ...submissionFor('/repository', 'task'),
  deadlineSeconds: 60,
  ...over,
});

export const request = (over: Partial<Submission> = {}, task = 'task'): SubmitRequest => ({
  task,
  submission: submission(over),
  argumentsHash: JSON.stringify([task, over]),
});

/** Lets what is under way go on as far as it does without a timer or a disk. */
export async function letGoOn(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}

export const runReport: RunReport = {
  exitCode: 0,
  summary: 'Did it.',
  threadId: 'thread-1',
  usage: null,
  containment: 'namespace',
  warnings: [],
};

export const patchReport = { bytes: 3, sha256: 'ab', files: 1, added: 1, removed: 0, warnings: [] };
export const worktreeReport = { path: '/slot/wt', baselineCommit: 'c0ffee', warnings: [] };

/** A log that keeps what it was told. */
export function testLog() {
  const errors: { details: object; message: string }[] = [];
  return { errors, error: (details: object, message: string) => void errors.push({ details, message }) };
}
