import { placeOf, putInOrder, type Turn, takeOut } from './turn.js';

/** The order of the queue: which place a waiting job has. */
export class WaitingLine {
  /** The waiting jobs of each client, in their order; the clients in the order of their turns. */
  readonly #clients = new Map<string, Turn[]>();
  #size = 0;

  /** How many jobs wait. */
  get size(): number {
    return this.#size;
  }

  add(turn: Turn): void {
    const turns = this.#clients.get(turn.client) ?? [];
    this.#clients.set(turn.client, turns);
    putInOrder(turns, turn);
    this.#size += 1;
  }

  /** The job had its turn, or waits no more: its client stands at the end again. */
  remove(turn: Turn): void {
    const turns = this.#clients.get(turn.client) ?? [];
    if (!takeOut(turns, turn)) return;
    this.#size -= 1;
    this.#clients.delete(turn.client);
    if (turns.length > 0) this.#clients.set(turn.client, turns);
  }

  /**
   * 1 for the next job to be admitted, as far as turns alone decide: before the n-th job of a client stand n of
   * each client whose turn is earlier, and n - 1 of each whose turn is later. Limits may let later jobs pass.
   */
  position(turn: Turn): number {
    const own = placeOf(this.#clients.get(turn.client) ?? [], turn) + 1;
    let position = own;
    let earlier = true;
    for (const [client, turns] of this.#clients) {
      if (client === turn.client) earlier = false;
      else position += Math.min(turns.length, earlier ? own : own - 1);
    }
    return position;
  }

  /** How many jobs of a client wait. */
  waiting(client: string): number {
    return this.#clients.get(client)?.length ?? 0;
  }
}
