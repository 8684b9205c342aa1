import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { LogPlace, PlacedEntry } from '../agents/log-entry.js';
import { logEntryOf } from '../agents/read-log-entry.js';
import { attemptLayout } from '../job/layout.js';
import { openRegularFile, openTail } from '../stages/tail.js';

/** Of an output that is longer, only this much of its end is read. */
const MOST_BYTES = 2 * 1024 * 1024;
const NEWLINE = 0x0a;
/** How often a log that is followed is looked at. */
const LOOK_MS = 150;

export interface LogRequest {
  stateDir: string;
  jobId: string;
  backend: string;
  /** The attempt the job is at now; it may grow while the log is followed. */
  attempt(): number;
  /** Once true, no more will be written. */
  settled(): boolean;
  /** What stands before it was read already; null: nothing was. */
  from: LogPlace | null;
  /** Go on until the job has settled. */
  follow: boolean;
  signal: AbortSignal;
}

/** Reads what the agents of a job wrote, attempt after attempt, and hands on what they did. */
export async function readAgentLog(
  request: LogRequest,
  take: (entry: PlacedEntry) => Promise<void>,
): Promise<void> {
  const first = request.from?.attempt ?? 1;
  for (let attempt = first; attempt <= request.attempt() && !request.signal.aborted; attempt += 1) {
    await readAttempt(request, attempt, take);
  }
}

async function readAttempt(
  request: LogRequest,
  attempt: number,
  take: (entry: PlacedEntry) => Promise<void>,
): Promise<void> {
  const { stdout } = attemptLayout(request.stateDir, request.jobId, attempt);
  const mayWrite = () => request.follow && !request.settled() && request.attempt() === attempt;
  if (!(await appears(stdout, mayWrite, request.signal))) return;
  const read = attempt === request.from?.attempt ? request.from.byte : 0;
  const tail = await openTail(stdout, await startOf(stdout, read));
  const found: PlacedEntry[] = [];
  const collect = (line: string, _: number, byte: number) => {
    const entry = logEntryOf(request.backend, line, `byte ${byte}`);
    if (entry !== null) found.push({ ...entry, id: `${attempt} ${entry.id}`, next: { attempt, byte } });
  };
  try {
    for (;;) {
      // Looked at before reading: what was written before the end is then not missed.
      const last = !mayWrite();
      await tail.read(collect);
      if (last) tail.finish(collect);
      for (const entry of found.splice(0)) await take(entry);
      if (last || request.signal.aborted) return;
      await pause(request.signal);
    }
  } finally {
    await tail.close();
  }
}

/** Waits for the file of an attempt that has not begun, as long as it may still come. */
async function appears(path: string, mayCome: () => boolean, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const last = !mayCome() || signal.aborted;
    if (await stat(path).catch(() => null)) return true;
    if (last) return false;
    await pause(signal);
  }
}

const pause = (signal: AbortSignal) => delay(LOOK_MS, undefined, { signal }).catch(() => undefined);

/** Where the first whole line of the file's end begins that was not read yet. */
async function startOf(path: string, read: number): Promise<number> {
  const file = await openRegularFile(path);
  if (file === null) return read;
  try {
    const { size } = await file.stat();
    if (size - read <= MOST_BYTES) return read;
    const from = size - MOST_BYTES;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_BYTES / 2), 0, MOST_BYTES / 2, from);
    return from + buffer.subarray(0, bytesRead).indexOf(NEWLINE) + 1;
  } finally {
    await file.close();
  }
}
