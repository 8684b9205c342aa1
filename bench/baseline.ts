import type { Report, Row } from './report.js';
import type { Unit } from './scenario.js';
import { type Change, changeBetween } from './statistics.js';

/** A figure that both runs have. */
export interface BaselineRow {
  scenario: string;
  name: string;
  unit: Unit;
  /** Medians. */
  before: number;
  now: number;
  change: Change;
}

/** Sets a run beside an earlier one, figure by figure; what only one of them has is left out. */
export function besideBaseline(now: Report, before: Report): BaselineRow[] {
  const known = new Map(
    before.scenarios.flatMap(({ name, rows }) => rows.map((row) => [keyOf(name, row), row])),
  );
  return now.scenarios.flatMap(({ name: scenario, rows }) =>
    rows.flatMap((row) => {
      const earlier = known.get(keyOf(scenario, row));
      if (earlier === undefined) return [];
      const change = changeBetween(earlier.spread, row.spread, row.better);
      return [
        { scenario, name: row.name, unit: row.unit, before: earlier.spread.p50, now: row.spread.p50, change },
      ];
    }),
  );
}

const keyOf = (scenario: string, { name, unit }: Row) => JSON.stringify([scenario, name, unit]);

/** The document of an earlier `--json`; null when it is none, or of another format. */
export function parseReport(text: string): Report | null {
  try {
    const report = JSON.parse(text) as Report;
    return report?.format === 1 && Array.isArray(report.scenarios) ? report : null;
  } catch {
    return null;
  }
}
