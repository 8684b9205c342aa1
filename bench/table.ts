import type { Comparison } from './baseline.js';
import { missedTargets, type Report, type Row, type ScenarioReport } from './report.js';
import type { Target, Unit } from './scenario.js';

/** Three figures that count, and no more. */
export function figure(value: number): string {
  if (value === 0) return '0';
  const size = Math.floor(Math.log10(Math.abs(value)));
  if (size >= 3) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(Math.max(0, 2 - size));
}

const withUnit = (value: number, unit: Unit) =>
  unit === 'count' ? figure(value) : `${figure(value)} ${unit}`;

export const describeTarget = ({ of, is, bound }: Target, unit: Unit): string =>
  of === 'ratio' ? `ratio ${is} ${figure(bound)}` : `${of} ${is} ${withUnit(bound, unit)}`;

export const head = [
  'measured',
  'unit',
  'median',
  'min',
  'p95',
  'p99',
  'max',
  'n',
  'beside',
  'ratio',
  'target',
];

/** One line of a table, in the order of `head`. */
export function cells({ name, unit, spread, beside, targets }: Row): string[] {
  return [
    name,
    unit,
    ...[spread.p50, spread.min, spread.p95, spread.p99, spread.max].map(figure),
    String(spread.count),
    beside === null ? '' : `${beside.name} ${figure(beside.spread.p50)}`,
    beside === null
      ? ''
      : `${figure(beside.ratio.p50)} (${figure(beside.ratio.p25)} to ${figure(beside.ratio.p75)})`,
    targets.map((target) => `${judgement(target.met)}${describeTarget(target, unit)}`).join('; '),
  ];
}

const judgement = (met: boolean | null) => (met === null ? '' : met ? 'met: ' : 'MISSED: ');

/** A scenario for the terminal. */
export function scenarioText({ name, title, seconds, rows, notes, failure }: ScenarioReport): string {
  return [
    `${name}: ${title} (${seconds} s)`,
    ...(failure === null ? [] : [`  It failed: ${failure}`]),
    ...(rows.length === 0 ? [] : aligned([head, ...rows.map(cells)])),
    ...notes.map((note) => `  ${note}`),
    '',
  ].join('\n');
}

/** Where the figures come from, and which targets were missed. */
export function closingText(report: Report): string {
  const { host, seed, runs, quick, date } = report;
  const missed = missedTargets(report);
  return [
    `${host.system}, ${host.cores} × ${host.processor}, ${host.memoryMB} MB, ${host.fileSystem ?? 'unknown'} file system, load ${host.load} at the start`,
    `${Object.entries(host.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
    `${date}, seed ${seed}, ${runs} rounds${quick ? ', quick: a check that it works, no measurement' : ''}`,
    quick
      ? 'No target was judged.'
      : missed.length === 0
        ? 'No target was missed.'
        : `Missed targets: ${missed.length}.`,
    '',
  ].join('\n');
}

/** What became of the figures since the baseline. */
export function baselineText({ differing, rows }: Comparison): string {
  const lines = rows.map(({ scenario, name, before, now, unit, change }) => [
    `${scenario}: ${name}`,
    withUnit(before, unit),
    withUnit(now, unit),
    `${figure(change.ratio)} (${figure(change.low)} to ${figure(change.high)})`,
    change.verdict ?? 'too few samples',
  ]);
  return [
    ...(differing.length === 0
      ? []
      : [`What was measured is not the same in both runs, which differ in: ${differing.join(', ')}.`]),
    'Beside the baseline; the range of a ratio is that of the middle halves of both runs:',
    ...aligned([['measured', 'before', 'now', 'ratio', 'verdict'], ...lines]),
    '',
  ].join('\n');
}

/** Names to the left, figures to the right. */
function aligned(lines: readonly (readonly string[])[]): string[] {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  );
  const pad = (cell: string, column: number) =>
    /^[\d.,-]/.test(cell) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  return lines.map((line) => `  ${line.map(pad).join('  ')}`.trimEnd());
}
