import { setTimeout as delay } from 'node:timers/promises';
import { counted } from '../counted.js';
import { isSettled, jobStates } from '../job/record.js';
import type { JobResult } from '../operations/result.js';
import type { DemoClient } from './demo-client.js';

/** A person watches: look more often than a client that spares its calls would. */
const LOOK_MS = 15;
const LINE_COLUMNS = 100;

/** Shows each state of a job as it is entered, with a live line of what its agent does, and answers the result. */
export async function followJob(
  client: DemoClient,
  { job_id: jobId, status: first }: { job_id: string; status: string },
  tell: (text: string) => void,
): Promise<JobResult> {
  const live = process.stdout.isTTY === true;
  const shown = new Set<string>();
  let activity: string | null = null;
  const show = (state: string) => {
    if (shown.has(state)) return;
    shown.add(state);
    tell(`${live ? '\r\x1b[K' : ''}→ ${state}\n`);
  };

  show(first);
  for (;;) {
    const status = await client.call('codex_job_status', { job_id: jobId });
    if (isSettled(status.status)) break;
    show(status.status);
    if (status.status === 'running' && status.activity !== null && (live || status.activity !== activity)) {
      activity = status.activity;
      const line = `    ${counted(status.events_seen, 'event')} · ${activity}`.slice(0, LINE_COLUMNS);
      tell(live ? `\r\x1b[K${line}` : `${line}\n`);
    }
    await delay(LOOK_MS);
  }
  const result = await client.call('codex_job_result', { job_id: jobId, detail: 'full' });
  // Short states may have come and gone between two looks; the journal has them all.
  for (const { state } of result.events ?? [])
    if (state && jobStates.some((known) => known === state)) show(state);
  return result;
}
