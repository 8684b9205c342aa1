import TinyQueue from 'tinyqueue';

interface Appointment {
  at: number;
  order: number;
  happen: (() => void) | null;
}

const START = 1_800_000_000_000;

/** Simulated time: what is to happen, in order. It moves from one appointment to the next. */
export class Timeline {
  now = START;
  /** Appointments that came about. */
  steps = 0;
  #order = 0;
  readonly #appointments = new TinyQueue<Appointment>([], (a, b) => a.at - b.at || a.order - b.order);

  after(milliseconds: number, happen: () => void): Appointment {
    this.#order += 1;
    const appointment = { at: this.now + Math.max(0, milliseconds), order: this.#order, happen };
    this.#appointments.push(appointment);
    return appointment;
  }

  cancel(appointment: unknown): void {
    if (appointment !== undefined) (appointment as Appointment).happen = null;
  }

  /** Moves to the next appointment and lets it happen. */
  step(): void {
    let next = this.#appointments.pop();
    while (next !== undefined && next.happen === null) next = this.#appointments.pop();
    if (next?.happen == null) throw new Error('Nothing is to happen any more.');
    this.now = next.at;
    this.steps += 1;
    next.happen();
  }
}
