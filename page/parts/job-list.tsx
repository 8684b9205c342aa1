import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { JobRow } from '../../src/inspect/frames.js';
import { baseName, count, duration, shortId } from '../format.js';
import { go, pathTo } from '../route.js';
import { isSettled, now, states } from '../swarm.js';
import { StateMark } from './state.js';

const MORE_ROWS = 8;

interface ListProps {
  jobs: readonly JobRow[];
  /** Jobs that are marked for a comparison. */
  marked: ReadonlySet<string>;
  onMark(id: string): void;
}

/** All jobs as rows, of which only those in sight are drawn. One row has the focus of the keyboard. */
export function JobList({ jobs, marked, onMark }: ListProps) {
  const box = useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = useState({ top: 0, height: 600, row: 40 });
  const [chosen, setChosen] = useState<string | null>(null);
  const index = Math.max(
    0,
    jobs.findIndex(({ id }) => id === chosen),
  );

  const look = () => {
    const element = box.current;
    if (element === null) return;
    const row = Number.parseFloat(getComputedStyle(element).getPropertyValue('--row')) || 40;
    setScroll({ top: element.scrollTop, height: element.clientHeight, row });
  };
  useLayoutEffect(look, []);
  useEffect(() => {
    addEventListener('resize', look);
    return () => removeEventListener('resize', look);
  }, []);

  const choose = (next: number) => {
    const job = jobs[Math.min(jobs.length - 1, Math.max(0, next))];
    const element = box.current;
    if (job === undefined || element === null) return;
    setChosen(job.id);
    const top = jobs.indexOf(job) * scroll.row;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + scroll.row > element.scrollTop + scroll.height)
      element.scrollTop = top + scroll.row - scroll.height;
  };
  const page = Math.max(1, Math.floor(scroll.height / scroll.row) - 1);
  const keys: Record<string, () => void> = {
    ArrowDown: () => choose(index + 1),
    j: () => choose(index + 1),
    ArrowUp: () => choose(index - 1),
    k: () => choose(index - 1),
    PageDown: () => choose(index + page),
    PageUp: () => choose(index - page),
    Home: () => choose(0),
    End: () => choose(jobs.length - 1),
    Enter: () => go(pathTo('job', jobs[index]?.id ?? '')),
    x: () => onMark(jobs[index]?.id ?? ''),
  };
  const press = (event: KeyboardEvent) => {
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (action === undefined || jobs.length === 0) return;
    event.preventDefault();
    action();
  };

  const first = Math.max(0, Math.floor(scroll.top / scroll.row) - MORE_ROWS);
  const last = Math.min(jobs.length, Math.ceil((scroll.top + scroll.height) / scroll.row) + MORE_ROWS);
  return (
    <div
      class="jobs"
      ref={box}
      onScroll={look}
      onKeyDown={press}
      role="listbox"
      aria-label="Jobs; arrow keys move, Enter opens, x marks for a comparison"
      aria-multiselectable="true"
      aria-activedescendant={jobs[index] === undefined ? undefined : `job-${jobs[index].id}`}
      tabIndex={0}
    >
      <div class="all" style={{ height: `${jobs.length * scroll.row}px` }} role="presentation">
        {jobs.slice(first, last).map((job, place) => (
          <Row
            key={job.id}
            job={job}
            top={(first + place) * scroll.row}
            place={first + place + 1}
            total={jobs.length}
            current={job.id === jobs[index]?.id}
            marked={marked.has(job.id)}
            onMark={onMark}
          />
        ))}
      </div>
    </div>
  );
}

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
  return (
    <div
      id={`job-${job.id}`}
      class={`job${current ? ' current' : ''}${marked ? ' marked' : ''}`}
      role="option"
      aria-selected={marked}
      aria-posinset={place}
      aria-setsize={total}
      style={{ transform: `translateY(${top}px)` }}
      onClick={(event) => {
        if (event.shiftKey || event.ctrlKey || event.metaKey) onMark(job.id);
        else go(pathTo('job', job.id));
      }}
    >
      <span class="mark" aria-hidden="true" title="Mark for a comparison" onClick={(event) => {
        event.stopPropagation();
        onMark(job.id);
      }} />
      <StateMark state={job.state} ending={job.ending} />
      <span class="title">
        {job.label ?? <span class="unnamed">{shortId(job.id)}</span>}
        <small>
          {job.label === null ? '' : `${shortId(job.id)} · `}
          {baseName(job.workspaceRoot)}
        </small>
      </span>
      <span class="doing">{doing(job)}</span>
      <span class="time">{duration(timeOf(job))}</span>
    </div>
  );
}

/** What is to be said of a job now, in a few words. */
function doing(job: JobRow): string {
  if (job.state === 'queued') return job.queuePosition === null ? '' : `place ${count(job.queuePosition)} in line`;
  if (job.state === 'retrying' && job.retryAt !== null) return `again in ${duration(job.retryAt - now())}`;
  if (job.patch !== null && isSettled(job.state)) {
    const { files, added, removed } = job.patch;
    const change = files === 0 ? 'nothing changed' : `${count(files)} ${files === 1 ? 'file' : 'files'} +${count(added)} −${count(removed)}`;
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
