import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { LogEntry } from '../../agents/log-entry.js';
import { ask, readLines } from '../session.js';
import { useSwarm } from '../swarm.js';

const MOST_ENTRIES = 2_000;
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
  useEffect(() => {
    if (!connected) return;
    const leaving = new AbortController();
    const byId = new Map<string, LogEntry>();
    let drawing: ReturnType<typeof setTimeout> | undefined;
    const take = (line: unknown) => {
      const entry = line as LogEntry;
      byId.set(entry.id, entry);
      drawing ??= setTimeout(() => {
        drawing = undefined;
        setEntries([...byId.values()].slice(-MOST_ENTRIES));
      }, TOGETHER_MS);
    };
    ask(`/api/jobs/${jobId}/log`, { signal: leaving.signal })
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
