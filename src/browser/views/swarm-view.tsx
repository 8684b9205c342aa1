import { useMemo, useRef, useState } from 'preact/hooks';
import type { JobRow } from '../../inspect/frames.js';
import { count } from '../format.js';
import { endedPerMinute, HistoryPlot } from '../parts/history-plot.js';
import { inOrder, JobList } from '../parts/job-list.js';
import { go, pathTo } from '../route.js';
import { type State, states, useSwarm } from '../swarm.js';
import { useListener } from '../use-listener.js';

const MOST_COMPARED = 6;
/** What was chosen stays while one looks at a job and comes back. */
const filter = { states: new Set<State>(), text: '' };

export function chooseState(state: State): void {
  filter.states = new Set([state]);
  filter.text = '';
  go(pathTo(''));
}

export function Swarm() {
  const { jobs, counts, complete, revision } = useSwarm();
  const [chosen, setChosen] = useState(filter.states);
  const [text, setText] = useState(filter.text);
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  filter.states = chosen;
  filter.text = text;
  const shown = useMemo(() => listed(jobs.values(), chosen, text), [jobs, revision, chosen, text]);

  const mark = (id: string) => {
    if (jobs.get(id)?.kind === 'delegate') setMarked(toggled(marked, id));
  };
  const total = Object.values(counts).reduce((sum, each) => sum + each, 0);
  return (
    <div class="swarm">
      <h1 class="unseen">The swarm</h1>
      <Figures />
      <section class="filters" aria-label="Filters">
        <Search text={text} onSearch={setText} />
        <StateChips chosen={chosen} onChoose={(state) => setChosen(toggled(chosen, state))} />
      </section>
      {marked.size > 0 && <Marks marked={marked} onClear={() => setMarked(new Set())} />}
      {shown.length === 0 ? (
        <Empty total={total} complete={complete} />
      ) : (
        <JobList jobs={shown} marked={marked} onMark={mark} />
      )}
      <p class="foot" role="status">
        {count(shown.length)} of {count(total)} jobs{complete ? '' : ', more are coming'}
        {total > jobs.size && complete ? `; the oldest ${count(total - jobs.size)} are not listed` : ''}
      </p>
    </div>
  );
}

/** The jobs that fit the filters, in the order of the list. */
function listed(jobs: Iterable<JobRow>, chosen: ReadonlySet<State>, text: string): JobRow[] {
  const wanted = text.trim().toLowerCase();
  const names = ({ id, label, kind, workspaceRoot, groupId, errorCode }: JobRow) =>
    [id, label, kind, workspaceRoot, groupId, errorCode].some((name) => name?.toLowerCase().includes(wanted));
  return [...jobs]
    .filter(({ state }) => chosen.size === 0 || chosen.has(state))
    .filter((job) => wanted === '' || names(job))
    .sort(inOrder);
}

function toggled<T>(set: ReadonlySet<T>, item: T): Set<T> {
  const next = new Set(set);
  if (!next.delete(item)) next.add(item);
  return next;
}

function Figures() {
  const { counts, opening, samples } = useSwarm();
  return (
    <section class="figures" aria-label="Figures">
      <Figure
        name="running"
        value={count(counts.running)}
        of={`of ${count(opening?.limits.running ?? 0)} at once`}
      />
      <Figure
        name="queued"
        value={count(counts.queued)}
        of={`room for ${count(opening?.limits.queued ?? 0)}`}
      />
      <Figure name="ended a minute" value={endedPerMinute(samples).toFixed(1)} of="over 5 minutes" />
      <Figure name="not done" value={count(counts.failed + counts.expired)} of="failed or expired" />
      <HistoryPlot samples={samples} />
    </section>
  );
}

/** A slash leads to it, wherever the focus is. */
function Search({ text, onSearch }: { text: string; onSearch(text: string): void }) {
  const field = useRef<HTMLInputElement>(null);
  useListener('keydown', (event) => {
    if (event.key !== '/' || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    field.current?.focus();
  });
  return (
    <input
      ref={field}
      type="search"
      placeholder="Find jobs ( / )"
      aria-label="Find jobs by label, id, kind, directory or group"
      value={text}
      onInput={({ currentTarget }) => onSearch(currentTarget.value)}
    />
  );
}

function StateChips({ chosen, onChoose }: { chosen: ReadonlySet<State>; onChoose(state: State): void }) {
  const { counts } = useSwarm();
  return (
    <fieldset class="chips" aria-label="States">
      {states.map((state) => (
        <button
          key={state}
          type="button"
          class={`chip state-${state}`}
          aria-pressed={chosen.has(state)}
          onClick={() => onChoose(state)}
        >
          <span class="dot" aria-hidden="true" />
          {state} <b>{count(counts[state])}</b>
        </button>
      ))}
    </fieldset>
  );
}

function Marks({ marked, onClear }: { marked: ReadonlySet<string>; onClear(): void }) {
  return (
    <section class="marks" aria-label="Comparison">
      {marked.size} marked
      <button
        type="button"
        disabled={marked.size < 2 || marked.size > MOST_COMPARED}
        onClick={() => go(pathTo('compare', ...marked))}
      >
        Compare patches
      </button>
      <button type="button" class="quiet" onClick={onClear}>
        Clear
      </button>
      {marked.size > MOST_COMPARED && <span>at most {MOST_COMPARED}</span>}
    </section>
  );
}

function Figure({ name, value, of }: { name: string; value: string; of: string }) {
  return (
    <div class="figure">
      <b>{value}</b>
      <span>{name}</span>
      <small>{of}</small>
    </div>
  );
}

function Empty({ total, complete }: { total: number; complete: boolean }) {
  if (!complete) return <p class="empty">Reading the jobs…</p>;
  if (total > 0) return <p class="empty">No job fits these filters.</p>;
  return (
    <div class="empty">
      <h2>No jobs yet</h2>
      <p>
        Hand one over: <code>offshoot delegate "Fix the flaky test"</code>, or have your agent call{' '}
        <code>codex_delegate</code>.
      </p>
    </div>
  );
}
