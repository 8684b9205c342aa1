import { counted } from '../counted.js';
import { isSettled } from '../job/record.js';
import type { JobView } from '../job/supervisor.js';
import type { Call } from './operation.js';

/**
 * Waits until any, or all, of the jobs have settled, for `seconds` at most, or until the caller goes away; the
 * jobs go on in any case. Meanwhile the caller is told what they do. Where too many of its calls wait, this one only
 * looks. True when they have.
 */
export async function waitForJobs(
  jobIds: readonly string[],
  mode: 'any' | 'all',
  seconds: number,
  call: Call,
): Promise<boolean> {
  const { supervisor } = call.house;
  if (call.listens) await reportFirst(jobIds, call);
  // A line is put into words only for those who want to read it: a swarm of waiters wants none.
  const leave = call.listens
    ? supervisor.follow(jobIds, (view) => call.report(progressLine(view)))
    : () => undefined;
  const resume = call.rest();
  try {
    return await supervisor.settled(jobIds, mode, call.signal, resume === null ? 0 : seconds * 1_000);
  } finally {
    resume?.();
    leave();
  }
}

/** Tells what the first job does that has not ended: a client that hears nothing for long gives the call up. */
async function reportFirst(jobIds: readonly string[], { house, report }: Call): Promise<void> {
  const { supervisor } = house;
  const first = jobIds.find((id) => supervisor.isUnsettled(id));
  const view = first === undefined ? null : await supervisor.look(first);
  if (view !== null) report(progressLine(view));
}

/** What a job does now, in one line for people. */
export function progressLine({ record, queuePosition }: JobView): string {
  const { label } = record.submission;
  const name = label === null ? record.id.slice(0, 8) : label;
  if (queuePosition !== null) return `${name}: queued, number ${queuePosition} in line`;
  const { activity, events } = record.context.progress;
  if (isSettled(record.state) || events === 0) return `${name}: ${record.state}`;
  return `${name}: ${record.state}, ${activity ?? 'working'} (${counted(events, 'event')})`;
}
