import { succeed } from '../errors.js';
import type { Frame, JobRow, Opening } from '../inspect/frames.js';
import { conclude } from './answer.js';
import type { Command } from './command.js';
import { exitCodes } from './exit-codes.js';
import { withDaemon } from './link.js';
import { print, printable } from './terminal.js';
import { drawSwarm, type WatchedSwarm } from './watch-screen.js';

const REDRAW_MS = 200;

export const watch: Command = {
  name: 'watch',
  parameters: '',
  summary: 'Show all jobs live; without a terminal, a line for each change of state.',
  details: 'Ctrl-C ends it; the jobs go on.',
  words: { atLeast: 0, atMost: 0 },
  flags: [],
  async run() {
    const view = process.stdout.isTTY ? screen() : lines();
    const outcome = await withDaemon({ start: true }, async (link) => {
      const answer = await link.call('feed.follow', {}, (report) => view.take(JSON.parse(report)));
      return answer.ok ? succeed(exitCodes.ok) : answer;
    });
    view.leave();
    return conclude(outcome, false);
  },
};

/** How the feed is shown. */
interface View {
  take(document: Opening | Frame): void;
  /** Nothing is shown any more; what is printed from here on stays. */
  leave(): void;
}

/** A line for each job and state: those that are there, then every change. */
function lines(): View {
  const told = new Map<string, string>();
  return {
    take(document) {
      if (document.kind === 'opening') return;
      const fresh = document.jobs.filter(({ row }) => told.get(row.id) !== row.state);
      for (const { row } of fresh) told.set(row.id, row.state);
      for (const id of document.gone) told.delete(id);
      if (fresh.length > 0) void print(fresh.map(({ row }) => lineOf(row)).join(''));
    },
    leave: () => undefined,
  };
}

const lineOf = ({ id, kind, state, entered, label, errorCode }: JobRow) =>
  `${[
    new Date(entered[state] ?? 0).toISOString(),
    id,
    state,
    ...[kind === 'delegate' ? null : kind, errorCode, label].flatMap((part) => part ?? []),
  ]
    .map(printable)
    .join('  ')}\n`;

/** The whole terminal, drawn again at most five times a second. */
function screen(): View {
  let opening: Opening | null = null;
  let swarm: WatchedSwarm | null = null;
  const draw = () => {
    if (swarm === null) return;
    const { rows = 24, columns = 80 } = process.stdout;
    const screenful = drawSwarm(swarm, { rows, columns, now: Date.now() });
    process.stdout.write(`\x1b[H${screenful.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`);
  };
  // The alternate screen keeps what the user had; leaving it brings that back.
  process.stdout.write('\x1b[?1049h\x1b[?25l');
  const drawing = setInterval(draw, REDRAW_MS).unref();
  const leave = () => {
    clearInterval(drawing);
    process.off('exit', leave);
    process.stdout.write('\x1b[?25h\x1b[?1049l');
  };
  process.once('exit', leave);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(exitCodes.ok));
  return {
    take(document) {
      if (document.kind === 'opening') {
        opening = document;
        return;
      }
      if (opening === null) return;
      swarm ??= { opening, counts: document.counts, jobs: new Map() };
      swarm.counts = document.counts;
      for (const { row } of document.jobs) swarm.jobs.set(row.id, row);
      for (const id of document.gone) swarm.jobs.delete(id);
    },
    leave,
  };
}
