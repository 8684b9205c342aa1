import type { Host } from './host.js';
import type { Measurement, Scenario, Target, Unit } from './scenario.js';
import { ratioOf, type Spread, spreadOf } from './statistics.js';

/** What one run of the harness found: the document of `--json` and `--baseline`. */
export interface Report {
  /** Raised when an earlier document can no longer be compared. */
  format: 1;
  date: string;
  host: Host;
  seed: number;
  runs: number;
  quick: boolean;
  scenarios: ScenarioReport[];
}

export interface ScenarioReport {
  name: string;
  title: string;
  describe: string;
  seconds: number;
  rows: Row[];
  notes: string[];
  /** Why the scenario has no figures; null when it has. */
  failure: string | null;
}

export interface Row {
  name: string;
  unit: Unit;
  better: 'lower' | 'higher';
  spread: Spread;
  beside: { name: string; spread: Spread; ratio: Spread } | null;
  target: (Target & { met: boolean }) | null;
}

export const describeScenario = ({ name, title, describe }: Scenario) => ({ name, title, describe });

export function rowOf({ name, unit, better, samples, beside, target }: Measurement): Row {
  const spread = spreadOf(samples);
  const besideSpread =
    beside === undefined
      ? null
      : { name: beside.name, spread: spreadOf(beside.samples), ratio: ratioOf(samples, beside.samples) };
  return {
    name,
    unit,
    better,
    spread,
    beside: besideSpread,
    target: target === undefined ? null : { ...target, met: isMet(target, spread, besideSpread?.ratio) },
  };
}

function isMet({ of, is, bound }: Target, spread: Spread, ratio: Spread | undefined): boolean {
  const value = of === 'ratio' ? ratio?.p50 : spread[of];
  if (value === undefined) throw new Error('A ratio is to be met, but nothing stands beside.');
  return is === 'at most' ? value <= bound : value >= bound;
}

/** Rows that have a target and missed it, with the name of their scenario. */
export const missedTargets = (report: Report): { scenario: string; row: Row }[] =>
  report.scenarios.flatMap(({ name, rows }) =>
    rows.filter((row) => row.target?.met === false).map((row) => ({ scenario: name, row })),
  );
