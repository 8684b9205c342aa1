/** A part of the machine's configuration, as far as it is drawn. */
interface StateConfig {
  id?: string;
  initial?: string;
  description?: string;
  type?: string;
  states?: Record<string, StateConfig>;
  on?: Record<string, Target>;
  invoke?: { onDone?: Target; onError?: Target };
}

interface Transition {
  target?: string;
}
type Target = string | Transition | readonly (string | Transition)[];

export interface GraphNode {
  name: string;
  parent: string | null;
  description: string;
  final: boolean;
  /** Holds states of its own. */
  block: boolean;
}

export interface GraphEdge {
  from: string;
  to: string;
  events: string[];
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
  initial: string;
}

/** Reads what is to be drawn from the machine's definition. What leads back to the same state is left out. */
export function graphOf(definition: string): Graph {
  const root: StateConfig = JSON.parse(definition);
  const nodes: GraphNode[] = [];
  const edges = new Map<string, GraphEdge>();

  const connect = (from: string, target: Target | undefined, event: string) => {
    for (const to of targetsOf(target)) {
      if (to === from) continue;
      const edge = edges.get(`${from}>${to}`) ?? { from, to, events: [] };
      if (!edge.events.includes(event)) edge.events.push(event);
      edges.set(`${from}>${to}`, edge);
    }
  };
  const walk = (states: Record<string, StateConfig>, parent: string | null) => {
    for (const [name, state] of Object.entries(states)) {
      const { description = '', type, on = {}, invoke, states: inside } = state;
      nodes.push({ name, parent, description, final: type === 'final', block: inside !== undefined });
      for (const [event, target] of Object.entries(on)) connect(name, target, event.replace(/^job\./, ''));
      connect(name, invoke?.onDone, 'done');
      connect(name, invoke?.onError, 'error');
      if (inside !== undefined) walk(inside, name);
    }
  };
  walk(root.states ?? {}, null);
  return { nodes, edges: [...edges.values()], initial: initialOf(root) };
}

/** Targets by their own names: those of the job machine are unique. */
function targetsOf(target: Target | undefined): string[] {
  if (target === undefined) return [];
  const all = Array.isArray(target) ? target : [target];
  return all.flatMap((each: string | Transition) => {
    const name = typeof each === 'string' ? each : each.target;
    return name === undefined ? [] : [name.replace(/^.*[.#]/, '')];
  });
}

function initialOf({ initial = '', states = {} }: StateConfig): string {
  const state = states[initial];
  return state?.states === undefined ? initial : initialOf(state);
}
