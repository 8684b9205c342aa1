import type { Readable } from 'node:stream';

/**
 * Takes output as it comes, in its order; the last few bytes only when there are more, or the command has ended.
 * Answers false when it wants no more.
 */
export type Take = (chunk: Buffer) => boolean | Promise<boolean>;

/** The same, telling when no more is wanted. */
export function telling(take: Take, refused: () => void): Take {
  const tell = (more: boolean): boolean => {
    if (!more) refused();
    return more;
  };
  return (chunk) => {
    const more = take(chunk);
    return typeof more === 'boolean' ? tell(more) : more.then(tell);
  };
}

/** Digits of the status that follows a mark. */
export const STATUS_DIGITS = 3;

interface Reading {
  mark: string;
  take: Take;
  end(status: number | null): void;
  fail(error: unknown): void;
}

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * One of the two outputs of a shell, cut by the marks that follow its commands. It is listened to for as long as the
 * shell lives: to begin and end a reader of its own for each command costs more than all that it reads.
 */
export class ShellOutput {
  private reading: Reading | null = null;
  /** A mark may be cut in two, so as much as it is long waits for the next chunk. */
  private held = NOTHING;
  /** While somebody takes their time for a chunk. */
  private taking: Promise<void> | null = null;

  /** Null where no more files could be opened. */
  constructor(private readonly stream: Readable | null) {
    stream?.on('data', (chunk: Buffer) => this.pass(chunk));
    stream?.once('error', (error) => this.settle()?.fail(error));
    stream?.once('close', () => void this.close());
  }

  /** Hands on what comes before the mark, and gives the status that follows it; null when the stream ends before. */
  readTo(mark: string, take: Take): Promise<number | null> {
    if (!this.stream || this.stream.closed) return Promise.resolve(null);
    return new Promise((end, fail) => {
      this.held = NOTHING;
      this.reading = { mark, take, end, fail };
    });
  }

  private pass(chunk: Buffer): void {
    if (this.reading === null) return;
    const { mark } = this.reading;
    const bytes = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    const end = Math.max(0, bytes.length - mark.length - STATUS_DIGITS);
    const marked = bytes.toString('latin1', end, end + mark.length) === mark;
    this.held = marked ? NOTHING : bytes.subarray(end);
    const finish = () => {
      if (marked) this.settle()?.end(Number(bytes.toString('latin1', end + mark.length)));
    };
    if (end === 0) finish();
    else this.handOn(bytes.subarray(0, end), finish);
  }

  private handOn(chunk: Buffer, then: () => void): void {
    try {
      const taken = this.reading?.take(chunk);
      if (taken instanceof Promise) this.waitUntil(taken, then);
      else then();
    } catch (error) {
      this.settle()?.fail(error);
    }
  }

  /** Nothing more is read meanwhile. */
  private waitUntil(taken: Promise<unknown>, then: () => void): void {
    this.stream?.pause();
    this.taking = taken.then(
      () => {
        then();
        this.stream?.resume();
      },
      (error) => this.settle()?.fail(error),
    );
  }

  /** The shell has ended, or was killed: then it has no last words. */
  private async close(): Promise<void> {
    await this.taking;
    if (this.held.length > 0 && this.stream?.readableEnded) this.handOn(this.held, () => undefined);
    await this.taking;
    this.settle()?.end(null);
  }

  private settle(): Reading | null {
    const { reading } = this;
    this.reading = null;
    return reading;
  }
}
