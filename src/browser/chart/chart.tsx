import { useMemo } from 'preact/hooks';
import { count, duration } from '../format.js';
import type { State } from '../swarm.js';
import { graphOf } from './graph.js';
import { type Layout, layoutOf } from './layout.js';

export interface ChartProps {
  definition: string;
  across: boolean;
  /** Jobs in each state; null to draw the path of one job instead. */
  counts: Record<State, number> | null;
  /** How often each transition was seen, by `from>to`: one that grows lights up. */
  moves?: ReadonlyMap<string, number>;
  /** The states one job was in, in order, with the milliseconds it spent in each. */
  path?: readonly { state: State; milliseconds: number | null }[];
  /** Called with the state that was chosen. */
  onChoose?(state: State): void;
}

/** The job machine, drawn from its own definition, with what is true of it now. */
export function Chart({ definition, across, counts, moves, path, onChoose }: ChartProps) {
  const layout = useMemo(() => layoutOf(graphOf(definition), across), [definition, across]);
  const visited = new Map((path ?? []).map((visit) => [visit.state, visit]));
  const walked = new Set((path ?? []).map(({ state }, index) => `${path?.[index - 1]?.state}>${state}`));
  const current = path?.at(-1)?.state;
  return (
    <svg
      class="chart"
      viewBox={`0 0 ${layout.width} ${layout.height}`}
      // Not larger than drawn: on a wide screen the words would shout.
      style={counts === null ? {} : { maxWidth: `${layout.width * 1.25}px` }}
      aria-label="The states of a job, and what leads from one to another"
    >
      <defs>
        <marker
          id="arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerUnits="userSpaceOnUse"
          markerWidth="9"
          markerHeight="9"
          orient="auto"
        >
          <path d="M0,0.500 L8,4 L0,7.500 z" />
        </marker>
      </defs>
      {layout.nodes
        .filter(({ block }) => block)
        .map((box) => (
          <Block key={box.name} {...box} />
        ))}
      {layout.edges.map((edge) => (
        <Edge
          key={`${edge.from}>${edge.to}`}
          edge={edge}
          walked={walked.has(`${edge.from}>${edge.to}`)}
          faint={path !== undefined && !walked.has(`${edge.from}>${edge.to}`)}
          moved={moves?.get(`${edge.from}>${edge.to}`) ?? 0}
        />
      ))}
      {layout.nodes
        .filter(({ block }) => !block)
        .map((node) => {
          const state = node.name as State;
          const visit = visited.get(state);
          const jobs = counts?.[state] ?? 0;
          return (
            <Node
              key={state}
              node={node}
              lit={counts === null ? state === current : jobs > 0}
              seen={visit !== undefined}
              figure={counts === null ? visitText(visit, state === current && !node.final) : count(jobs)}
              words={counts === null ? '' : jobs === 1 ? 'job' : 'jobs'}
              {...(onChoose === undefined ? {} : { onChoose: () => onChoose(state) })}
            />
          );
        })}
    </svg>
  );
}

function visitText(visit: { milliseconds: number | null } | undefined, goesOn: boolean): string {
  if (visit === undefined) return '';
  if (visit.milliseconds === null) return 'the end';
  return goesOn ? `${duration(visit.milliseconds)} so far` : duration(visit.milliseconds);
}

function Block({ name, x, y, width, height }: Layout['nodes'][number]) {
  return (
    <g class="block">
      <rect x={x} y={y} width={width} height={height} rx={14} />
      <text x={x + 14} y={y + 18}>
        {name}
      </text>
    </g>
  );
}

function Edge({
  edge,
  walked,
  faint,
  moved,
}: {
  edge: Layout['edges'][number];
  walked: boolean;
  faint: boolean;
  moved: number;
}) {
  const { path, label } = edge;
  return (
    <g class={`edge${walked ? ' walked' : ''}${faint ? ' faint' : ''}`}>
      <path d={path} marker-end="url(#arrow)" />
      {/* A new key begins the animation again. */}
      {moved > 0 && <path key={moved} d={path} class="flow" pathLength={100} />}
      {label.lines.map((line, index) => (
        <text key={line} x={label.x} y={label.y + 4 + (index - (label.lines.length - 1) / 2) * 14}>
          {line}
        </text>
      ))}
    </g>
  );
}

interface NodeProps {
  node: Layout['nodes'][number];
  lit: boolean;
  seen: boolean;
  figure: string;
  words: string;
  onChoose?(): void;
}

function Node({ node, lit, seen, figure, words, onChoose }: NodeProps) {
  const { name, x, y, width, height, final, description } = node;
  const told = [name, figure, words].filter((word) => word !== '').join(' ');
  const choose = onChoose && {
    role: 'button' as const,
    tabIndex: 0,
    onClick: onChoose,
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      onChoose();
    },
  };
  return (
    <g
      class={`node state-${name}${lit ? ' lit' : ''}${seen ? ' seen' : ''}${final ? ' final' : ''}`}
      data-state={name}
      aria-label={`${told}. ${description}`}
      {...(choose ?? { role: 'img' as const })}
    >
      <rect x={x} y={y} width={width} height={height} rx={10} />
      {final && <rect class="inner" x={x + 3} y={y + 3} width={width - 6} height={height - 6} rx={8} />}
      <text class="name" x={x + width / 2} y={figure === '' ? y + height / 2 + 5 : y + 25}>
        {`${name} `}
      </text>
      <text class="figure" x={x + width / 2} y={y + 47}>
        {`${figure} ${words}`.trim()}
      </text>
    </g>
  );
}
