import type { Host } from './host.js';
import type { HotSpot } from './hot-spots.js';
import type { Measurement, Scenario, Target, Unit } from './scenario.js';
import { ratioOf, type Spread, spreadOf } from './statistics.js';

/** What one run of the harness found: the document of `--json`, which `--baseline` reads. */
export interface Report {
  /** Raised when an earlier document can no longer be compared. */
  format: 1;
  date: string;
  host: Host;
  seed: number;
  runs: number;
  quick: boolean;
  /** The user's own repository and agent; null for made ones. */
  repository: string | null;
  agent: string | null;
  scenarios: ScenarioReport[];
  /** Where the time goes in the scenarios that are furthest from their targets; none unless it was asked for. */
  profiles: ScenarioProfile[];
}

export interface ScenarioProfile {
  scenario: string;
  hotSpots: HotSpot[];
}

export interface ScenarioReport {
  name: string;
  title: string;
  describe: string;
  seconds: number;
  rows: Row[];
  notes: string[];
  /** Why the scenario did not come to its end: then there are the rows that it had until then. Null when it did. */
  failure: string | null;
}

export interface Row {
  name: string;
  unit: Unit;
  better: 'lower' | 'higher';
  spread: Spread;
  beside: { name: string; spread: Spread; ratio: Spread } | null;
  targets: JudgedTarget[];
}

/** A check that measures nothing does not judge: then `met` is null. */
export interface JudgedTarget extends Target {
  found: number;
  met: boolean | null;
}

export const describeScenario = ({ name, title, describe }: Scenario) => ({ name, title, describe });

export function rowOf(
  { name, unit, better, samples, beside, targets = [] }: Measurement,
  { quick }: Pick<Report, 'quick'>,
): Row {
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
    targets: targets.map((target) => {
      const found = valueFor(target, spread, besideSpread?.ratio);
      return { ...target, found, met: quick ? null : isMet(target, found) };
    }),
  };
}

const isMet = ({ is, bound }: Target, found: number): boolean =>
  is === 'at most' ? found <= bound : found >= bound;

function valueFor({ of }: Target, spread: Spread, ratio: Spread | undefined): number {
  const value = of === 'ratio' ? ratio?.p50 : spread[of];
  if (value === undefined) throw new Error('A ratio is to be met, but nothing stands beside.');
  return value;
}

/** Targets that were missed, with their row and the name of its scenario. */
export const missedTargets = (report: Report): { scenario: string; row: Row; target: JudgedTarget }[] =>
  report.scenarios.flatMap(({ name: scenario, rows }) =>
    rows.flatMap((row) =>
      row.targets.filter(({ met }) => met === false).map((target) => ({ scenario, row, target })),
    ),
  );

/**
 * The scenarios with figures and targets, the one that is furthest from a target first: what was found as a multiple
 * of the bound, or the bound as a multiple of it where more is better.
 */
export function worstFirst({ scenarios }: Report): string[] {
  const distance = ({ is, bound, found }: JudgedTarget): number => {
    const [much, little] = is === 'at most' ? [found, bound] : [bound, found];
    return much === little ? 1 : much / little;
  };
  return scenarios
    .map(({ name, rows }) => ({
      name,
      worst: Math.max(0, ...rows.flatMap(({ targets }) => targets.map(distance))),
    }))
    .filter(({ worst }) => worst > 0)
    .sort((one, other) => other.worst - one.worst)
    .map(({ name }) => name);
}
