import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../errors.js';
import { machineFault } from './machine-fault.js';

/** A disk gets room again, other programs end: how long a stage waits for it, and how often it looks at most. */
const PATIENCE_MS = 5 * 60_000;
/** With what an agent did, which is paid for, as long as people take to make room. But the job keeps others from running. */
export const PATIENCE_WITH_WORK_MS = 60 * 60_000;
const PAUSE_MS = 1_000;
/** After work that told of a shortage, so many times as long as it took: else git would read a large file over and over. */
const REST_FACTOR = 9;
/** The longer it has waited, the longer it may wait on: this part of it. */
const GROWTH = 0.1;

export interface Patience<Output> {
  /** True for an answer that means: the machine was short of something. */
  isShort(output: Output): boolean;
  /** The answer that tells a fault. */
  failed(fault: Fault): Output;
  /** The job is to end: wait no more. */
  stop: AbortSignal;
  /** Told of each shortage that is waited for. */
  waits?(output: Output): void;
  /** Five minutes unless set. */
  patienceMs?: number | undefined;
  pauseMs?: number;
}

/**
 * Does the work of a stage, and does it again while the machine is short of disk, processes or files: what an
 * agent has done is worth a wait. Only for work that may be entered again. When its patience is over, or the job is
 * to end, the answer is the shortage. Rejects as the work does when the machine is not to blame.
 */
export async function patiently<Output>(
  work: () => Promise<Output>,
  { isShort, failed, stop, waits, patienceMs = PATIENCE_MS, pauseMs = PAUSE_MS }: Patience<Output>,
): Promise<Output> {
  const from = performance.now();
  const until = from + patienceMs;
  for (;;) {
    const began = performance.now();
    const { output, short, rest } = await work().then(
      (output) => ({ output, short: isShort(output), rest: (performance.now() - began) * REST_FACTOR }),
      (error: unknown) => {
        const fault = machineFault(error);
        if (fault === null) throw error;
        return { output: failed(fault), short: true, rest: 0 };
      },
    );
    const now = performance.now();
    if (!short || stop.aborted || now >= until) return output;
    waits?.(output);
    const pause = Math.min(Math.max(pauseMs, rest, (now - from) * GROWTH), until - now);
    await delay(pause, null, { signal: stop }).catch(() => undefined);
  }
}
