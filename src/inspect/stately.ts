import { isSettled } from '../job/record.js';
import type { Frame, JobRow, Step } from './frames.js';

/** Version of the protocol: that of the `@statelyai/inspect` whose receivers were tried with it. */
const PROTOCOL = '0.7.2';
/** Stately's view draws every actor: settled jobs beyond this number are left out. */
const MOST_ACTORS = 1_000;

export interface StatelyMessage {
  type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot';
  /** The job's id: XState's own ids begin again with each daemon. */
  sessionId: string;
  rootId: string;
  _version: string;
  createdAt: string;
  id: string;
  [field: string]: unknown;
}

/**
 * Tells a viewer of Stately's inspector what a frame holds, in its protocol: `@xstate.actor` when a job is seen
 * first, `@xstate.event` and `@xstate.snapshot` for each step. What leaves for Stately's page are states, events,
 * instants and counts; no label, no path, nothing that an agent said.
 */
export function statelyTranslator(definition: string): (frame: Frame) => StatelyMessage[] {
  /** By job: the state that was told last. */
  const told = new Map<string, JobRow['state']>();
  let lastId = 0;

  function message(type: StatelyMessage['type'], row: JobRow, at: number, more: object): StatelyMessage {
    lastId += 1;
    return {
      type,
      sessionId: row.id,
      rootId: row.id,
      _version: PROTOCOL,
      createdAt: String(at),
      id: String(lastId),
      ...more,
    };
  }

  function meet(row: JobRow, at: number): StatelyMessage[] {
    const [first = { state: row.state, at }, ...later] = pathOf(row);
    told.set(row.id, first.state);
    return [
      message('@xstate.actor', row, first.at, {
        name: `job ${row.id.slice(0, 8)}`,
        parentId: undefined,
        definition,
        snapshot: snapshotOf(row, first.state),
      }),
      snapshot(row, first.state, first.at, 'xstate.init'),
      // What happened before anybody looked: the states are known, the events are not.
      ...later.map(({ state, at: enteredAt }) => snapshot(row, state, enteredAt, 'job.seen')),
    ];
  }

  function snapshot(row: JobRow, state: JobRow['state'], at: number, event: string): StatelyMessage {
    told.set(row.id, state);
    return message('@xstate.snapshot', row, at, { snapshot: snapshotOf(row, state), event: { type: event } });
  }

  const step = (row: JobRow, { at, event, state }: Step): StatelyMessage[] => [
    message('@xstate.event', row, at, { sourceId: undefined, event: { type: event } }),
    snapshot(row, state, at, event),
  ];

  return ({ jobs, gone, at }) => {
    for (const id of gone) told.delete(id);
    return jobs.flatMap(({ row, steps }) => {
      if (!told.has(row.id)) {
        if (isSettled(row.state) && told.size >= MOST_ACTORS) return [];
        return [...meet(row, at), ...newsOf(steps, row).flatMap((each) => step(row, each))];
      }
      // Another place in the queue is no progress.
      if (row.state === 'queued' && steps.length === 0) return [];
      if (steps.length > 0) return steps.flatMap((each) => step(row, each));
      return [snapshot(row, told.get(row.id) ?? row.state, at, 'run.progress')];
    });
  };
}

/** The states that a job has entered, in the order in which it did. */
const pathOf = ({ entered }: JobRow) =>
  Object.entries(entered)
    .map(([state, at]) => ({ state: state as JobRow['state'], at }))
    .sort((left, right) => left.at - right.at);

/** The steps after the one that led to the row's own state, which may lag behind: up to there the path tells all. */
const newsOf = (steps: readonly Step[], { state, entered }: JobRow) =>
  steps.slice(steps.findLastIndex((step) => step.state === state && step.at <= (entered[state] ?? 0)) + 1);

function snapshotOf(row: JobRow, state: JobRow['state']) {
  const { attempt, ending, errorCode, events, lastEventAt, usage, patch } = row;
  return {
    status: isSettled(state) ? 'done' : 'active',
    value: isSettled(state) ? state : { active: state },
    context: { attempt, ending, errorCode, events, lastEventAt, usage, patch },
    children: {},
  };
}
