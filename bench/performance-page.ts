import { missedTargets, type Report, type ScenarioReport } from './report.js';
import type { Scenario } from './scenario.js';
import { cells, describeTarget, figure, head } from './table.js';

/** The page that `--report` writes, in Markdown; the scenarios tell why they missed a target. */
export function performancePage(report: Report, scenarios: readonly Scenario[]): string {
  return [
    '# Performance',
    '',
    'Written by `npm run bench -- --report`, from one run. Change the benches, not this page.',
    '',
    ...describeRun(report),
    ...describeMissed(report, scenarios),
    ...report.scenarios.flatMap(describe),
    ...describeProfiles(report, scenarios),
  ].join('\n');
}

function describeRun({ host, date, seed, runs, quick, scenarios }: Report): string[] {
  const minutes = Math.round(scenarios.reduce((sum, { seconds }) => sum + seconds, 0) / 60);
  return [
    '## The machine and the run',
    '',
    `- ${host.cores} × ${host.processor}, ${figure(host.memoryMB)} MB of memory, ${figure(host.freeMemoryMB)} MB of it free; ${host.system}; temporary files on ${host.fileSystem ?? 'an unknown file system'}`,
    `- load ${host.load} at the start${host.load > host.cores / 2 ? ': somebody else was busy too, so absolute times are too high and ratios count' : ''}`,
    `- ${Object.entries(host.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    `- ${date}, ${minutes} minutes, seed ${seed}, ${runs} rounds${quick ? ', quick: a check that the benches work, no measurement' : ''}`,
    '',
    'What is compared ran in the same rounds, in an order that the seed shuffled. A ratio is ours divided by what stands beside it, round by round; its range is that of the middle half.',
    '',
  ];
}

function describeMissed(report: Report, scenarios: readonly Scenario[]): string[] {
  const reached = report.quick ? 'No target was judged.' : 'Every target was reached.';
  const missed = missedTargets(report);
  const failed = report.scenarios.filter(({ failure }) => failure !== null);
  return [
    '## Not reached',
    '',
    ...(missed.length + failed.length === 0 ? [reached] : []),
    ...missed.map(
      ({ scenario, row, target }) =>
        `- \`${scenario}\`, ${row.name}: ${describeTarget(target, row.unit)}, found ${figure(target.found)}.`,
    ),
    ...failed.map(({ name, failure }) => `- \`${name}\` was not measured to its end: ${failure}`),
    '',
    ...scenarios
      .filter(({ name }) => missed.some(({ scenario }) => scenario === name))
      .flatMap(({ name, whyNotReached: reason }) =>
        reason === undefined ? [] : [`Why \`${name}\`: ${reason}`, ''],
      ),
  ];
}

function describe({ name, title, describe: text, rows, notes, seconds }: ScenarioReport): string[] {
  return [
    `## ${name}: ${title}`,
    '',
    `${text} (${seconds} s)`,
    '',
    ...(rows.length === 0 ? [] : markdownTable([head, ...rows.map(cells)])),
    '',
    ...notes.flatMap((note) => [note, '']),
  ];
}

function describeProfiles({ profiles }: Report, scenarios: readonly Scenario[]): string[] {
  if (profiles.length === 0) return [];
  return [
    '## Where the time goes',
    '',
    'The scenarios that are furthest from a target, run once more under the profiler: the functions with the most time of their own, over all threads of its daemons, or, where it has none, in the main thread of the bench; and their share of the time in which these were not idle. A daemon that lives for seconds spends much of them on loading its modules. `(program)` is what is no JavaScript: the kernel, the profiler itself.',
    '',
    ...profiles.flatMap(({ scenario, hotSpots }) => [
      `### ${scenario}`,
      '',
      ...markdownTable([
        ['function', 'module', 'self time (ms)', 'share (%)'],
        ...hotSpots.map(({ name, module, selfMs, share }) => [name, module, figure(selfMs), figure(share)]),
      ]),
      '',
      ...scenarios
        .filter(({ name }) => name === scenario)
        .flatMap(({ whatProfileLedTo: led }) => (led === undefined ? [] : [`What it led to: ${led}`, ''])),
    ]),
  ];
}

function markdownTable(lines: readonly (readonly string[])[]): string[] {
  const row = (line: readonly string[]) =>
    `| ${line.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const [top = [], ...rest] = lines;
  return [
    row(top),
    row(top.map((_, column) => (column > 1 && column < 8 ? '---:' : '---'))),
    ...rest.map(row),
  ];
}
