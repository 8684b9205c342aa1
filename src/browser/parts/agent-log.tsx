import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { LogEntry, LogPlace, PlacedEntry } from '../../agents/log-entry.js';
import { keepEntry } from '../log-entries.js';
import { ask, readLines } from '../session.js';
import { useSwarm } from '../swarm.js';

const TOGETHER_MS = 100;
/** Nearer to the end than this, the view stays there when something comes. */
const NEAR = 40;

/** What the agent did and does, newest last. */
export function AgentLog({ jobId }: { jobId: string }) {
  const { link } = useSwarm();
  const { entries, problem, ended } = useLog(jobId, link === 'connected');
  const box = useRef<HTMLOListElement>(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (atEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [entries]);
  if (problem !== null) return <p class="warning">{problem}</p>;
  if (entries.length === 0) return <p class="quiet-text">{ended ? 'Nothing.' : 'Waiting for its words…'}</p>;
  return (
    <ol
      class="log"
      ref={box}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
      tabIndex={0}
      aria-label="What the agent does, newest last"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR;
      }}
    >
      {entries.map((entry) => (
        <Entry key={entry.id} entry={entry} />
      ))}
    </ol>
  );
}

const signs: Record<LogEntry['kind'], string> = {
  command: '$',
  message: '“',
  files: '✎',
  thought: '…',
  tool: '⚒',
  trouble: '!',
  turn: '•',
  output: '›',
};
const names: Record<LogEntry['kind'], string> = {
  command: 'Command',
  message: 'Message',
  files: 'Files changed',
  thought: 'Thought',
  tool: 'Tool',
  trouble: 'Trouble',
  turn: 'Turn',
  output: 'Output',
};

function Entry({ entry: { kind, text, output, state } }: { entry: LogEntry }) {
  return (
    <li class={`${kind} ${state}`}>
      <span class="sign" title={names[kind]} aria-label={names[kind]} role="img">
        {signs[kind]}
      </span>
      <span class="text">
        {text}
        {state === 'underway' && <span class="underway"> running</span>}
        {state === 'failed' && kind !== 'trouble' && <span class="failed"> failed</span>}
        {output !== '' && (
          <details>
            <summary>output</summary>
            <pre>{output}</pre>
          </details>
        )}
      </span>
    </li>
  );
}

function useLog(
  jobId: string,
  connected: boolean,
): { entries: readonly LogEntry[]; problem: string | null; ended: boolean } {
  const [entries, setEntries] = useState<readonly LogEntry[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  const [ended, setEnded] = useState(false);
  /** What is known, by id, and where it goes on. */
  const known = useRef({ entries: new Map<string, LogEntry>(), next: null as LogPlace | null });
  useEffect(() => {
    if (!connected) return;
    const leaving = new AbortController();
    let drawing: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      drawing = undefined;
      setEntries([...known.current.entries.values()]);
    };
    const take = (line: unknown) => {
      const entry = line as PlacedEntry;
      keepEntry(known.current.entries, entry);
      known.current.next = entry.next;
      drawing ??= setTimeout(draw, TOGETHER_MS);
    };
    // What came just before the connection ended.
    draw();
    const { next } = known.current;
    const from = next === null ? '' : `?from=${next.attempt}.${next.byte}`;
    ask(`/api/jobs/${jobId}/log${from}`, { signal: leaving.signal })
      .then((response) => readLines(response, take))
      .then(() => setEnded(true))
      .catch((error: Error) => {
        // A connection that was lost is told for the whole page.
        if (!leaving.signal.aborted && !(error instanceof TypeError)) setProblem(error.message);
      });
    return () => {
      leaving.abort();
      clearTimeout(drawing);
    };
  }, [jobId, connected]);
  return { entries, problem, ended };
}
