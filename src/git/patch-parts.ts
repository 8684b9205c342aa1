/** What each file of a patch begins with; no line inside of one can. */
const DELIMITER = Buffer.from('\ndiff --git ');
const OVERLAP = DELIMITER.length - 1;

/**
 * Cuts a patch into the parts of its files as it comes. Of each part at most `maxBytes` are held; `done` gets
 * it whole, or null when it was longer.
 */
export class PatchParts {
  /** The end of what has come: a delimiter may begin in it. */
  #rest = Buffer.alloc(0);
  #held: Buffer[] = [];
  #bytes = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly done: (part: Buffer | null) => void,
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
    this.done(this.#bytes <= this.maxBytes ? Buffer.concat(this.#held) : null);
    this.#held = [];
    this.#bytes = 0;
  }
}
