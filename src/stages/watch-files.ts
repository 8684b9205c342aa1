import { existsSync, type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';

/** Progress is read at most this often, however much an agent writes. */
const COALESCE_MS = 200;
/** Nothing tells of a process killed from outside, and a watch may be refused: so look at least this often. */
const TICK_MS = 1_000;
const TICK_WITHOUT_WATCH_MS = 200;
/** Between an exit status and the death of the last process lie a few milliseconds; on a full disk, more. */
const FIRST_ENDING_MS = 2;
const LONGEST_ENDING_MS = 50;

export interface FilesWatch {
  /** Resolves when the files may have changed; soon after the exit file appears, else coalesced. */
  next(): Promise<void>;
  close(): void;
}

/** Watches the files of one job. */
export function watchFiles(directory: string): FilesWatch {
  let wake: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let changed = false;
  let ending = false;
  let endingMs = FIRST_ENDING_MS;
  let lastWake = Number.NEGATIVE_INFINITY;
  let watcher: FSWatcher | undefined;

  const wakeUp = () => {
    clearTimeout(timer);
    const resolve = wake;
    wake = undefined;
    changed = false;
    // Not by the clock on the wall: set back, it would have the agent wait to be read.
    lastWake = performance.now();
    resolve?.();
  };
  const wakeIn = (milliseconds: number) => {
    clearTimeout(timer);
    timer = setTimeout(wakeUp, milliseconds);
  };
  const untilCoalesced = () => Math.max(0, COALESCE_MS - (performance.now() - lastWake));

  try {
    watcher = watch(directory, (_event, name) => {
      if (name === 'exit') ending = true;
      if (wake !== undefined && (ending || !changed)) wakeIn(ending ? 0 : untilCoalesced());
      changed = true;
    });
    // A watch that breaks later leaves the tick.
    watcher.on('error', () => watcher?.close());
  } catch {
    // No watches left on this machine: the quicker tick serves.
  }
  // Of what was there before the watch, it tells nothing.
  if (existsSync(join(directory, 'exit'))) ending = true;

  return {
    next: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
        if (ending) {
          wakeIn(endingMs);
          endingMs = Math.min(endingMs * 2, LONGEST_ENDING_MS);
        } else if (changed) wakeIn(untilCoalesced());
        else wakeIn(watcher === undefined ? TICK_WITHOUT_WATCH_MS : TICK_MS);
      }),
    close: () => {
      clearTimeout(timer);
      watcher?.close();
    },
  };
}
