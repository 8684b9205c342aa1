import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { interruptible } from '../src/interruptible.js';
import { besideBaseline, type Comparison, parseReport } from './baseline.js';
import { type Plan, profileWorst, runScenarios, USUAL_RUNS } from './harness.js';
import { performancePage } from './performance-page.js';
import type { Report } from './report.js';
import type { Scenario } from './scenario.js';
import { scenarios } from './scenarios.js';
import { baselineText, closingText, scenarioText } from './table.js';

/** What stands on the command line of `offshoot bench`. */
export interface BenchRequest {
  /** Names of scenarios, or parts of them; all unless given. */
  names: readonly string[];
  list: boolean;
  json: boolean;
  quick: boolean;
  report: boolean;
  runs?: number;
  seed?: number;
  baseline?: string;
  profile?: string;
  peer?: string;
  repository?: string;
  agent?: string;
}

/** Where `--report` writes, below the current directory. */
const PAGE = 'docs/performance.md';
const RUNS = { quick: 2, full: USUAL_RUNS };
const MOST_RUNS = 1_000;

export type BenchEnd = { kind: 'ok' } | { kind: 'failed' } | { kind: 'misused'; message: string };

/**
 * Runs the benches that were asked for. Figures go to `print`, what goes on meanwhile to `tell`. Ends as
 * `failed` when a scenario could not be measured; a target that was missed is no failure.
 */
export async function bench(
  request: BenchRequest,
  print: (text: string) => Promise<unknown>,
  tell: (text: string) => void,
): Promise<BenchEnd> {
  const chosen = choose(request.names);
  if (chosen.length === 0) return misused('No scenario has such a name; --list shows them.');
  if (request.runs !== undefined && (request.runs < 1 || request.runs > MOST_RUNS))
    return misused(`--runs takes 1 to ${MOST_RUNS}.`);
  if (request.list) {
    await print(request.json ? `${JSON.stringify(chosen.map(summary), null, 2)}\n` : listText(chosen));
    return { kind: 'ok' };
  }
  const before = request.baseline === undefined ? null : await readReport(request.baseline);
  if (request.baseline !== undefined && before === null)
    return misused('The baseline is not a file that --json wrote.');

  // What was found until an interrupt is shown.
  const report = await interruptible(async (signal) => {
    const plan = planOf(request, tell, signal);
    const found = await runScenarios(chosen, plan);
    return request.report ? { ...found, profiles: await profileWorst(found, chosen, plan) } : found;
  });
  const comparison = before === null ? null : besideBaseline(report, before);
  await print(request.json ? jsonOf(report, comparison) : textOf(report, comparison));
  if (request.report) await writePage(report);
  return report.scenarios.some(({ failure }) => failure !== null) ? { kind: 'failed' } : { kind: 'ok' };
}

const planOf = (request: BenchRequest, tell: Plan['tell'], signal: AbortSignal): Plan => ({
  quick: request.quick,
  runs: request.runs ?? (request.quick ? RUNS.quick : RUNS.full),
  seed: request.seed ?? 1,
  repository: request.repository === undefined ? null : resolve(request.repository),
  agent: request.agent ?? null,
  peer: request.peer ?? null,
  profile: request.profile === undefined ? null : resolve(request.profile),
  tell,
  signal,
});

const choose = (names: readonly string[]): Scenario[] =>
  scenarios.filter((scenario) => names.length === 0 || names.some((name) => scenario.name.includes(name)));

const summary = ({ name, title, describe }: Scenario) => ({ name, title, describe });

const listText = (chosen: readonly Scenario[]) =>
  chosen.map(({ name, title }) => `${name.padEnd(10)}  ${title}\n`).join('');

const textOf = (report: Report, comparison: Comparison | null) =>
  report.scenarios.map(scenarioText).join('\n') +
  closingText(report) +
  (comparison === null ? '' : baselineText(comparison));

const jsonOf = (report: Report, comparison: Comparison | null) =>
  `${JSON.stringify({ ...report, ...(comparison && { comparison }) }, null, 2)}\n`;

async function readReport(path: string): Promise<Report | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  return text === null ? null : parseReport(text);
}

async function writePage(report: Report): Promise<void> {
  await mkdir(dirname(PAGE), { recursive: true });
  await writeFile(PAGE, performancePage(report, scenarios));
}

const misused = (message: string): BenchEnd => ({ kind: 'misused', message });
