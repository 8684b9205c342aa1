import type { PatchFile } from './patch-files.js';

/** What each file of a patch begins with; no line inside of one can. */
const DELIMITER = Buffer.from('\ndiff --git ');
const OVERLAP = DELIMITER.length - 1;

/**
 * Cuts a patch into the parts of its files as it comes. Of each part at most `maxBytes` are held; `done` gets
 * it whole, or null when it was longer, and how long it was.
 */
export class PatchParts {
  /** The end of what has come: a delimiter may begin in it. */
  #rest = Buffer.alloc(0);
  #held: Buffer[] = [];
  #bytes = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly done: (part: Buffer | null, bytes: number) => void,
  ) {}

  take(chunk: Buffer): void {
    let data = Buffer.concat([this.#rest, chunk]);
    for (let at = data.indexOf(DELIMITER); at >= 0; at = data.indexOf(DELIMITER)) {
      this.#add(data.subarray(0, at + 1));
      this.#finish();
      data = data.subarray(at + 1);
    }
    const known = Math.max(0, data.length - OVERLAP);
    this.#add(data.subarray(0, known));
    this.#rest = data.subarray(known);
  }

  /** The patch has ended. */
  end(): void {
    this.#add(this.#rest);
    if (this.#bytes > 0) this.#finish();
  }

  #add(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes <= this.maxBytes) this.#held.push(bytes);
    else this.#held = [];
  }

  #finish(): void {
    this.done(this.#bytes <= this.maxBytes ? Buffer.concat(this.#held) : null, this.#bytes);
    this.#held = [];
    this.#bytes = 0;
  }
}

/** Where something lies in a file, in bytes. */
export interface Range {
  offset: number;
  length: number;
}

/**
 * Where each file lies in a patch whose parts have these lengths. A file whose type changes is told as a deletion and a
 * creation, one after the other.
 */
export function placeFiles(files: readonly PatchFile[], lengths: readonly number[]): Range[] {
  let [part, offset] = [0, 0];
  return files.map(({ status }) => {
    const range = { offset, length: 0 };
    for (const end = part + (status === 'typechange' ? 2 : 1); part < end; part += 1)
      range.length += lengths[part] ?? 0;
    offset += range.length;
    return range;
  });
}
