import { useEffect, useReducer } from 'preact/hooks';
import type { Frame, JobRow, Opening, Sample } from '../inspect/frames.js';
import { ask, NoToken, readLines } from './session.js';

export type State = JobRow['state'];
export const states: readonly State[] = [
  'queued',
  'worktree',
  'running',
  'retrying',
  'diffing',
  'done',
  'failed',
  'cancelled',
  'expired',
];
export const settledStates: readonly State[] = ['done', 'failed', 'cancelled', 'expired'];
export const isSettled = (state: State) => settledStates.includes(state);

type Link = 'connecting' | 'connected' | 'lost' | 'no token';
interface Beat {
  kind: 'beat';
  at: number;
  sample: Sample | null;
}

const RETRY_MS = 1_000;
/** The daemon sends something at least every five seconds. */
const SILENT_MS = 12_000;
/** A daemon that nobody calls leaves after ten minutes; a browser wakes a hidden tab once a minute. */
const HERE_MS = 60_000;
const MOST_SAMPLES = 720;

/** What this page knows of the swarm. It is told in frames, and redrawn once for many. */
export const swarm = {
  link: 'connecting' as Link,
  opening: null as Opening | null,
  jobs: new Map<string, JobRow>(),
  counts: Object.fromEntries(states.map((state) => [state, 0])) as Record<State, number>,
  samples: [] as Sample[],
  /** How often jobs went from one state to another, by `from>to`, since the page was opened. */
  moves: new Map<string, number>(),
  /** False until every job was told of. */
  complete: false,
  /** Grows with everything that changes a list of jobs. */
  revision: 0,
  /** What the daemon's clock is ahead of ours. */
  ahead: 0,
};

export const now = () => Date.now() + swarm.ahead;

const listeners = new Set<() => void>();
let drawing = false;
/** Jobs that an earlier connection told of, and this one not yet. */
const untold = new Set<string>();

function changed(): void {
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    drawing = false;
    for (const listener of listeners) listener();
  }, 60);
}

/** Draws a component again whenever the swarm has changed. */
export function useSwarm(): typeof swarm {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const listener = () => draw(undefined);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return swarm;
}

function take(line: Opening | Frame | Beat): void {
  if (line.kind === 'opening') open(line);
  else if (line.kind === 'frame') apply(line);
  else if (line.sample !== null && line.sample.at !== swarm.samples.at(-1)?.at) {
    swarm.samples = [...swarm.samples, line.sample].slice(-MOST_SAMPLES);
  }
  swarm.ahead = line.at - Date.now();
  changed();
}

function open(opening: Opening): void {
  swarm.opening = opening;
  swarm.link = 'connected';
  for (const id of swarm.jobs.keys()) untold.add(id);
  swarm.samples = [...opening.history];
  swarm.complete = false;
}

function apply({ jobs, gone, counts, more }: Frame): void {
  for (const { row, steps } of jobs) {
    // What led from the row of an earlier connection to this one was not told.
    const before = untold.delete(row.id) ? undefined : swarm.jobs.get(row.id)?.state;
    if (before !== undefined) countMoves([before, ...steps.map(({ state }) => state), row.state]);
    swarm.jobs.set(row.id, row);
  }
  for (const id of gone) swarm.jobs.delete(id);
  if (!more) forgetUntold();
  swarm.counts = counts;
  swarm.complete = !more;
  swarm.revision += 1;
}

/** Every job was told of: the others were deleted meanwhile. */
function forgetUntold(): void {
  for (const id of untold) swarm.jobs.delete(id);
  untold.clear();
}

function countMoves(path: readonly State[]): void {
  for (const [index, state] of path.entries()) {
    const before = path[index - 1];
    if (before === undefined || before === state) continue;
    const move = `${before}>${state}`;
    swarm.moves.set(move, (swarm.moves.get(move) ?? 0) + 1);
  }
}

/** Resolves once the tab is looked at. Until then the daemon is told that the tab is there. */
const looked = () =>
  new Promise<void>((resolve) => {
    const telling = setInterval(() => void ask('/api/here').catch(() => undefined), HERE_MS);
    const look = () => {
      if (document.hidden) return;
      clearInterval(telling);
      document.removeEventListener('visibilitychange', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    look();
  });

/**
 * Follows the feed for ever: when it ends, whatever the reason, it is asked for again. A browser has six connections
 * for all tabs together, so one that nobody looks at leaves them to the others.
 */
export async function followSwarm(): Promise<never> {
  for (;;) {
    await looked();
    const end = new AbortController();
    const { signal } = end;
    let left = false;
    const leave = () => {
      if (!document.hidden) return;
      left = true;
      end.abort();
    };
    document.addEventListener('visibilitychange', leave, { signal });
    let timer = setTimeout(() => end.abort(), SILENT_MS);
    try {
      const response = await ask('/api/feed', { signal });
      await readLines(response, (line) => {
        clearTimeout(timer);
        timer = setTimeout(() => end.abort(), SILENT_MS);
        take(line as Opening | Frame | Beat);
      });
      swarm.link = 'lost';
    } catch (problem) {
      swarm.link = problem instanceof NoToken ? 'no token' : 'lost';
    }
    clearTimeout(timer);
    end.abort();
    if (left) swarm.link = 'connecting';
    changed();
    if (!left) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
