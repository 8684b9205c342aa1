import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeHost } from './host.js';
import { hotSpotsIn } from './hot-spots.js';
import { profiled } from './profile.js';
import {
  describeScenario,
  type Report,
  rowOf,
  type ScenarioProfile,
  type ScenarioReport,
  worstFirst,
} from './report.js';
import type { Context, Measurement, Result, Scenario } from './scenario.js';
import { seededRandom } from './support/random.js';

/** What the user asked the harness for. */
export interface Plan extends Pick<Context, 'quick' | 'runs' | 'repository' | 'agent' | 'peer' | 'profile'> {
  seed: number;
  tell(text: string): void;
  /** Aborted when the user wants no more. */
  signal: AbortSignal;
}

/** Rounds, unless the user asks for others. */
export const USUAL_RUNS = 7;
/** With the usual rounds no scenario takes longer than this: one that hangs must not hold up the others. */
const LONGEST_MS = 15 * 60_000;
const LONGEST_QUICK_MS = 5 * 60_000;

/** Runs the scenarios one after the other. One that fails says so in the report; the others go on. */
export async function runScenarios(scenarios: readonly Scenario[], plan: Plan): Promise<Report> {
  const report: Report = {
    format: 1,
    date: new Date().toISOString(),
    host: await describeHost(tmpdir()),
    seed: plan.seed,
    runs: plan.runs,
    quick: plan.quick,
    repository: plan.repository,
    agent: plan.agent,
    scenarios: [],
    profiles: [],
  };
  for (const scenario of scenarios) {
    report.scenarios.push(plan.signal.aborted ? notRun(scenario) : await runScenario(scenario, plan));
  }
  return report;
}

const MOST_PROFILED = 2;
const MOST_HOT_SPOTS = 10;

/**
 * Runs the scenarios that are furthest from a target once more, one round each, under the profiler; their figures are
 * not kept, because a profiled process is slower.
 */
export async function profileWorst(
  report: Report,
  scenarios: readonly Scenario[],
  plan: Plan,
): Promise<ScenarioProfile[]> {
  const profiles: ScenarioProfile[] = [];
  for (const name of worstFirst(report).slice(0, MOST_PROFILED)) {
    const scenario = scenarios.find((each) => each.name === name);
    if (scenario === undefined || plan.signal.aborted) continue;
    plan.tell(`${name}: once more, for its profile`);
    const profile = await mkdtemp(join(tmpdir(), 'offshoot-bench-'));
    try {
      const { failure } = await runScenario(scenario, { ...plan, runs: 1, profile });
      if (failure === null) {
        profiles.push({ scenario: name, hotSpots: await hotSpotsIn(join(profile, name), MOST_HOT_SPOTS) });
      }
    } finally {
      await rm(profile, { recursive: true, force: true });
    }
  }
  return profiles;
}

/** A report that is cut short says what it lacks. */
const notRun = (scenario: Scenario): ScenarioReport => ({
  ...describeScenario(scenario),
  seconds: 0,
  rows: [],
  notes: [],
  failure: 'The run was ended before its turn.',
});

async function runScenario(scenario: Scenario, plan: Plan): Promise<ScenarioReport> {
  const start = performance.now();
  const soFar: Measurement[] = [];
  const { measurements, notes, failure } = await attempt(scenario, plan, soFar).then(
    ({ measurements, notes = [] }) => ({ measurements, notes, failure: null }),
    (problem: unknown) => ({ measurements: soFar, notes: [], failure: messageOf(problem) }),
  );
  return {
    ...describeScenario(scenario),
    seconds: Number(((performance.now() - start) / 1_000).toFixed(1)),
    rows: measurements.map((measurement) => rowOf(measurement, plan)),
    notes: plan.repository !== null && scenario.ownRepository ? [...notes, OWN_REPOSITORY] : [...notes],
    failure,
  };
}

const OWN_REPOSITORY = 'Your repository is not in these figures: --repository changes nothing here.';

const longest = ({ quick, runs }: Plan) =>
  (quick ? LONGEST_QUICK_MS : LONGEST_MS) * Math.max(1, runs / USUAL_RUNS);

/** Gives the scenario what it needs, and takes away whatever it left. */
async function attempt(scenario: Scenario, plan: Plan, measurements: Measurement[]): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'offshoot-bench-'));
  const profile = plan.profile === null ? null : join(plan.profile, scenario.name);
  if (profile !== null) await mkdir(profile, { recursive: true });
  const cleanUps: (() => unknown)[] = [];
  const ending = new AbortController();
  const end = () => ending.abort();
  plan.signal.addEventListener('abort', end, { once: true });
  // It holds the process too: a scenario that waits for nothing at all is told of like any that hangs.
  const timer = setTimeout(end, longest(plan));
  const context: Context = {
    ...plan,
    // The same whatever else runs before.
    random: seededRandom(plan.seed),
    measurements,
    directory,
    profile,
    tell: (text) => plan.tell(`${scenario.name}: ${text}`),
    atEnd: (cleanUp) => void cleanUps.unshift(cleanUp),
    signal: ending.signal,
  };
  try {
    return await Promise.race([profiled(profile, () => scenario.run(context)), aborted(ending.signal)]);
  } finally {
    clearTimeout(timer);
    plan.signal.removeEventListener('abort', end);
    for (const cleanUp of cleanUps) await Promise.resolve(cleanUp()).catch(() => undefined);
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
  }
}

const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    const end = () => reject(new Error('The scenario was ended before it was done.'));
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  });

const messageOf = (problem: unknown) => (problem instanceof Error ? problem.message : String(problem));
