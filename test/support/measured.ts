import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { table } from './markdown.js';

/** The page that `npm run bench -- --report` writes. */
const pageFile = fileURLToPath(new URL('../../../docs/performance.md', import.meta.url));

/** What the README shows of that page: the scenario and the row there, and what the README calls it. */
const highlights: readonly [scenario: string, row: string, label: string][] = [
  ['submit', 'handle, 1 at once', 'Handle of `codex_delegate_async`, 1 call at a time'],
  ['submit', 'handle, 100 at once', 'The same, 100 at once'],
  ['submit', 'handle, 1000 at once', 'The same, 1,000 at once'],
  ['submit', 'handle, 100 stdio bridges at once', 'The same, from 100 stdio bridges at once'],
  ['submit', 'handle, 100 HTTP sessions at once', 'The same, from 100 HTTP sessions at once'],
  ['submit', 'handle, 100 stdio bridges at once, warm', 'From 100 bridges, once the daemon is warm'],
  ['submit', 'handle, 100 HTTP sessions at once, warm', 'From 100 HTTP sessions, once the daemon is warm'],
  ['submit', 'initialize of a bridge, daemon warm', 'A bridge from its start to its answer to `initialize`'],
  ['job', 'wall, 20 files', 'One job on 20 files, with an agent that costs nothing'],
  ['job', 'own processor time, 20 files', 'Our own processor time of that job, git not counted'],
  ['job', 'wall, 5000 files', 'One job on 5,000 files, with the same agent'],
  ['job', 'wall with the real Codex CLI', 'One job of the real Codex CLI, with a scripted model'],
  ['worktree', 'warm slot, 5000 files', 'Worktree, capture and release on 5,000 files, warm'],
  ['worktree', 'warm slot, 30000 files', 'The same on 30,000 files'],
  ['recover', 'serves again, 10000 queued', 'Serving again after `kill -9`, 10,000 jobs queued'],
  ['cancel', 'an agent that obeys', 'From a cancel to all processes dead, where the agent obeys'],
  ['cancel', 'an agent that ignores SIGTERM', 'The same where it ignores SIGTERM; the grace is 5 s'],
  [
    'wake',
    'transition to woken client, 1,000 waiters on a job each',
    'From the end of a job to a woken client, 1,000 waiters on a job each',
  ],
];

/** The table of what was measured, from the page; without the rows that its run left out. */
export function measured(): string {
  const page = readFileSync(pageFile, 'utf8');
  const rows = highlights.flatMap(([scenario, name, label]) => {
    const cells = rowOf(page, scenario, name);
    if (cells === null) return [];
    const [, unit = '', median = '', least = '', , , most = '', , beside = ''] = cells;
    return [[label, `${median} ${unit} (${least} to ${most})`, withUnit(beside, unit)]];
  });
  if (rows.length === 0) throw new Error('The performance page has none of the rows that the README shows.');
  return table(['What', 'Offshoot', 'Beside it'], rows);
}

function rowOf(page: string, scenario: string, name: string): string[] | null {
  const section = page.split(/^## /m).find((each) => each.startsWith(`${scenario}: `));
  const line = section?.split('\n').find((each) => each.startsWith(`| ${name} |`));
  return line === undefined
    ? null
    : line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim());
}

/** The page names what stands beside, and then its median. */
function withUnit(beside: string, unit: string): string {
  const end = beside.lastIndexOf(' ');
  return end < 0 ? '' : `${beside.slice(0, end)}: ${beside.slice(end + 1)} ${unit}`;
}
