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

/** A run beside an earlier one. */
export interface Comparison {
  /** In what the runs themselves differ, so that their figures are of different things; empty if in nothing. */
  differing: string[];
  rows: BaselineRow[];
}

/** Sets a run beside an earlier one, figure by figure; what only one of them has is left out. */
export const besideBaseline = (now: Report, before: Report): Comparison => ({
  differing: Object.entries(circumstances)
    .filter(([, of]) => JSON.stringify(of(now)) !== JSON.stringify(of(before)))
    .map(([name]) => name),
  rows: rowsOfBoth(now, before),
});

/** What a figure depends on, but for the versions of the programs: these are what runs are compared for. */
const circumstances: Record<string, (report: Report) => unknown> = {
  '--quick': ({ quick }) => quick,
  '--seed': ({ seed }) => seed,
  // Earlier documents do not tell.
  '--repository': ({ repository }) => repository ?? null,
  '--agent': ({ agent }) => agent ?? null,
  'the machine': ({ host: { system, processor, cores, fileSystem } }) => [
    system,
    processor,
    cores,
    fileSystem,
  ],
};

function rowsOfBoth(now: Report, before: Report): BaselineRow[] {
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
