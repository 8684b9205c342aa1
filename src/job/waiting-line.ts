/** The order of the queue: which place a waiting job has. */
export class WaitingLine {
  /** Sequence numbers, rising. */
  readonly #sequences: number[] = [];

  /** Adds a job. Sequence numbers nearly always come in rising order. */
  add(sequence: number): void {
    this.#sequences.splice(this.#indexOf(sequence), 0, sequence);
  }

  remove(sequence: number): void {
    const index = this.#indexOf(sequence);
    if (this.#sequences[index] === sequence) this.#sequences.splice(index, 1);
  }

  /** 1 for the first in line. */
  position(sequence: number): number {
    return this.#indexOf(sequence) + 1;
  }

  /** Index of the first number that is not lower. */
  #indexOf(sequence: number): number {
    let low = 0;
    let high = this.#sequences.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sequences[middle] ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
