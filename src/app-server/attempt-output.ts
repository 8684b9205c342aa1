import { closeSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessLayout } from '../job/layout.js';

/** Beyond this, what finds no room on the disk is dropped. */
const MOST_PENDING_BYTES = 16 * 1024 * 1024;
const NO_ROOM_PAUSE_MS = 1_000;

/**
 * What an attempt writes, as its stage reads it: lines of events, words for standard error, and in the end the exit
 * status. On a full disk the events wait; for the status there is room from the start.
 */
export class AttemptOutput {
  readonly #files: ProcessLayout;
  readonly #stdout: number;
  readonly #stderr: number;
  #pending: Buffer = Buffer.alloc(0);

  constructor(files: ProcessLayout) {
    this.#files = files;
    this.#stdout = openSync(files.stdout, 'a', 0o600);
    this.#stderr = openSync(files.stderr, 'a', 0o600);
    writeFileSync(newExit(files), '137\n', { mode: 0o600 });
  }

  event(event: object): void {
    const line = Buffer.from(`${JSON.stringify(event)}\n`);
    if (this.#pending.length + line.length <= MOST_PENDING_BYTES) {
      this.#pending = this.#pending.length === 0 ? line : Buffer.concat([this.#pending, line]);
    }
    this.#flush();
  }

  /** A line of standard error; one that finds no room is lost. */
  said(line: string): void {
    try {
      writeSync(this.#stderr, `${line}\n`);
    } catch {
      // The disk is full.
    }
  }

  /** Writes the exit status, 0 to 255, once all events are written; when `stopping`, without waiting for room. */
  async finish(status: number, stopping: () => boolean): Promise<void> {
    for (this.#flush(); this.#pending.length > 0 && !stopping(); this.#flush()) await delay(NO_ROOM_PAUSE_MS);
    closeSync(this.#stdout);
    closeSync(this.#stderr);
    const file = openSync(newExit(this.#files), 'r+');
    writeSync(file, `${status}`.padStart(3, '0'));
    closeSync(file);
    renameSync(newExit(this.#files), this.#files.exit);
  }

  #flush(): void {
    try {
      while (this.#pending.length > 0) {
        this.#pending = this.#pending.subarray(writeSync(this.#stdout, this.#pending));
      }
    } catch {
      // The next event, or the end, tries again.
    }
  }
}

const newExit = (files: ProcessLayout) => `${files.exit}.new`;
