import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { JobRow } from '../../inspect/frames.js';
import { count, duration, placeName, shortId } from '../format.js';
import { go, pathTo } from '../route.js';
import { isSettled, now, states } from '../swarm.js';
import { useListener } from '../use-listener.js';
import { StateMark } from './state.js';

const MORE_ROWS = 8;

interface ListProps {
  jobs: readonly JobRow[];
  /** Jobs that are marked for a comparison. */
  marked: ReadonlySet<string>;
  onMark(id: string): void;
}

/** All jobs as rows, of which only those in sight are drawn. The arrow keys, or j and k, go through them. */
export function JobList({ jobs, marked, onMark }: ListProps) {
  const box = useRef<HTMLElement>(null);
  const [view, setView] = useState({ top: 0, height: 600, row: 44 });
  const [chosen, setChosen] = useState<string | null>(null);
  const index = jobs.findIndex(({ id }) => id === chosen);

  const look = () => {
    const element = box.current;
    if (element === null) return;
    const row = Number.parseFloat(getComputedStyle(element).getPropertyValue('--row'));
    setView({ top: element.scrollTop, height: element.clientHeight, row });
  };
  useLayoutEffect(look, []);
  useListener('resize', look);

  const choose = (next: number) => {
    const place = Math.min(jobs.length - 1, Math.max(0, next));
    const element = box.current;
    if (element === null) return;
    setChosen(jobs[place]?.id ?? null);
    const top = place * view.row;
    if (top < element.scrollTop) element.scrollTop = top;
    if (top + view.row > element.scrollTop + view.height) element.scrollTop = top + view.row - view.height;
  };
  const page = Math.max(1, Math.floor(view.height / view.row) - 1);
  const keys: Record<string, () => void> = {
    ArrowDown: () => choose(index + 1),
    j: () => choose(index + 1),
    ArrowUp: () => choose(index - 1),
    k: () => choose(index - 1),
    PageDown: () => choose(index + page),
    PageUp: () => choose(index - page),
    Home: () => choose(0),
    End: () => choose(jobs.length - 1),
  };
  const keysOfChosen: Record<string, (id: string) => void> = {
    Enter: (id) => go(pathTo('job', id)),
    x: onMark,
  };
  useListener('keydown', (event) => {
    if (isElsewhere(event) || jobs.length === 0) return;
    const ofChosen = chosen === null ? undefined : keysOfChosen[event.key];
    if (ofChosen === undefined && keys[event.key] === undefined) return;
    event.preventDefault();
    if (chosen !== null) ofChosen?.(chosen);
    keys[event.key]?.();
  });

  const first = Math.max(0, Math.floor(view.top / view.row) - MORE_ROWS);
  const last = Math.min(jobs.length, Math.ceil((view.top + view.height) / view.row) + MORE_ROWS);
  return (
    <section class="jobs" ref={box} onScroll={look} aria-label="Jobs">
      <ul class="all" style={{ height: `${jobs.length * view.row}px` }}>
        {jobs.slice(first, last).map((job, place) => (
          <Row
            key={job.id}
            job={job}
            top={(first + place) * view.row}
            place={first + place + 1}
            total={jobs.length}
            current={job.id === chosen}
            marked={marked.has(job.id)}
            onMark={onMark}
          />
        ))}
      </ul>
    </section>
  );
}

/** Whether a key is meant for something else: a field, a control that has the focus, the browser. */
const isElsewhere = ({ target, ctrlKey, metaKey, altKey }: KeyboardEvent) =>
  ctrlKey ||
  metaKey ||
  altKey ||
  (target instanceof Element && target.matches('input[type=search], button, a'));

interface RowProps {
  job: JobRow;
  top: number;
  place: number;
  total: number;
  current: boolean;
  marked: boolean;
  onMark(id: string): void;
}

function Row({ job, top, place, total, current, marked, onMark }: RowProps) {
  const name = job.label ?? shortId(job.id);
  return (
    <li
      class={`job${current ? ' current' : ''}${marked ? ' marked' : ''}`}
      aria-posinset={place}
      aria-setsize={total}
      {...(current ? { 'aria-current': true } : {})}
      style={{ transform: `translateY(${top}px)` }}
    >
      <input
        type="checkbox"
        checked={marked}
        disabled={job.kind !== 'delegate'}
        onChange={() => onMark(job.id)}
        aria-label={`Mark ${name} for a comparison`}
        title={job.kind === 'delegate' ? 'Mark for a comparison (x)' : 'It has no patch to compare'}
      />
      <StateMark state={job.state} ending={job.ending} />
      <span class="title">
        <a href={pathTo('job', job.id)} class={job.label === null ? 'unnamed' : ''}>
          {name}
        </a>
        <small>
          {job.kind === 'delegate' ? '' : `${job.kind} · `}
          {job.label === null ? '' : `${shortId(job.id)} · `}
          {placeName(job.workspaceRoot)}
        </small>
      </span>
      <span class="doing">{doing(job)}</span>
      <span class="time">{duration(timeOf(job))}</span>
    </li>
  );
}

/** What is to be said of a job now, in a few words. */
function doing(job: JobRow): string {
  if (job.state === 'queued')
    return job.queuePosition === null ? '' : `place ${count(job.queuePosition)} in line`;
  if (job.state === 'retrying' && job.retryAt !== null) return `again in ${duration(job.retryAt - now())}`;
  if (job.patch !== null && isSettled(job.state)) {
    const { files, added, removed } = job.patch;
    const change =
      files === 0
        ? 'nothing changed'
        : `${count(files)} ${files === 1 ? 'file' : 'files'} +${count(added)} −${count(removed)}`;
    return job.errorCode === null ? change : `${job.errorCode} · ${change}`;
  }
  return job.errorCode ?? job.activity ?? '';
}

/** How long it is in its state; for a settled job, how long it was from acceptance to end. */
export function timeOf({ state, entered }: JobRow): number {
  const since = entered[state] ?? now();
  return isSettled(state) ? since - (entered.queued ?? since) : now() - since;
}

/** What needs eyes first: what works, then what waits, then what ended, newest first. */
const ranks: Record<JobRow['state'], number> = Object.fromEntries(
  states.map((state) => [state, isSettled(state) ? 2 : state === 'queued' ? 1 : 0]),
) as Record<JobRow['state'], number>;

export function inOrder(left: JobRow, right: JobRow): number {
  const rank = ranks[left.state] - ranks[right.state];
  if (rank !== 0) return rank;
  if (left.state === 'queued') return (left.queuePosition ?? 0) - (right.queuePosition ?? 0);
  return isSettled(left.state)
    ? (right.entered[right.state] ?? 0) - (left.entered[left.state] ?? 0)
    : left.sequence - right.sequence;
}
