import { counted } from '../counted.js';
import type { Frame, JobRow, Opening } from '../inspect/frames.js';
import { isSettled, jobStates } from '../job/record.js';
import { paintStatus } from './describe-state.js';
import { paint, printable } from './terminal.js';

/** What the feed has told so far. */
export interface WatchedSwarm {
  opening: Opening;
  counts: Frame['counts'];
  jobs: Map<string, JobRow>;
}

interface Screen {
  rows: number;
  columns: number;
  now: number;
}

const HEAD_ROWS = 4;

/** The lines of one screenful: counts and limits, then the jobs, what works first. */
export function drawSwarm({ opening, counts, jobs }: WatchedSwarm, { rows, columns, now }: Screen): string[] {
  const figures = jobStates
    .filter((state) => counts[state] > 0)
    .map((state) => `${paintStatus(state)} ${counts[state]}`);
  const room = Math.max(0, rows - HEAD_ROWS);
  const sorted = [...jobs.values()].sort(inOrder);
  const listed = sorted.slice(0, sorted.length > room ? room - 1 : room);
  const { running, queued } = opening.limits;
  return [
    `${paint('bold', 'Offshoot')} ${opening.version}  at most ${running} at once, ${queued} queued`,
    figures.length === 0 ? 'no jobs' : figures.join('  '),
    '',
    ...listed.map((job) => rowOf(job, columns, now)),
    ...(sorted.length > listed.length ? [paint('dim', `… and ${sorted.length - listed.length} more`)] : []),
  ];
}

function rowOf(job: JobRow, columns: number, now: number): string {
  const { id, kind, state, label, activity, errorCode, patch, entered, queuePosition } = job;
  const since = entered[state] ?? now;
  const doing =
    queuePosition !== null
      ? `place ${queuePosition}`
      : (errorCode ??
        activity ??
        (patch === null ? '' : `${counted(patch.files, 'file')} +${patch.added} -${patch.removed}`));
  const time = `${Math.max(0, Math.round((isSettled(state) ? since - (entered.queued ?? since) : now - since) / 1_000))} s`;
  const rest = [time.padStart(8), kind === 'delegate' ? null : kind, label, doing]
    .filter((part) => part !== null)
    .join('  ');
  const left = `${id.slice(0, 8)}  `;
  const width = Math.max(0, columns - left.length - 11);
  const padding = ' '.repeat(Math.max(0, 10 - state.length));
  return `${left}${paintStatus(state)}${padding}${printable(rest).replace(/\s/g, ' ').slice(0, width)}`;
}

const rankOf = ({ state }: JobRow) => (isSettled(state) ? 2 : state === 'queued' ? 1 : 0);

function inOrder(left: JobRow, right: JobRow): number {
  const rank = rankOf(left) - rankOf(right);
  if (rank !== 0) return rank;
  return rankOf(left) === 2 ? right.sequence - left.sequence : left.sequence - right.sequence;
}
