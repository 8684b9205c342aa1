/** What came about in simulated worlds, counted by name. */
export class Figures {
  readonly counts: Record<string, number> = {};

  count(what: string, times = 1): this {
    this.counts[what] = (this.counts[what] ?? 0) + times;
    return this;
  }

  add(others: Readonly<Record<string, number>>): void {
    for (const [what, times] of Object.entries(others)) this.count(what, times);
  }
}
