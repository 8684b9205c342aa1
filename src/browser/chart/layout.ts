import { Graph as DagreGraph, layout as layOut } from '@dagrejs/dagre';
import type { Graph, GraphEdge, GraphNode } from './graph.js';

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Layout {
  width: number;
  height: number;
  nodes: (GraphNode & Box)[];
  edges: (GraphEdge & { path: string; label: { x: number; y: number; lines: string[] } })[];
}

const NODE = { width: 138, height: 64 };
const CHARACTER = 6.2;
const LINE = 14;

/** Places states and transitions; `across` from left to right, else from top to bottom. */
export function layoutOf(graph: Graph, across: boolean): Layout {
  const drawing = new DagreGraph({ compound: true, multigraph: false });
  drawing.setGraph({
    rankdir: across ? 'LR' : 'TB',
    nodesep: across ? 26 : 18,
    ranksep: across ? 34 : 30,
    edgesep: 14,
    marginx: 14,
    marginy: 14,
  });
  drawing.setDefaultEdgeLabel(() => ({}));
  for (const node of graph.nodes) drawing.setNode(node.name, node.block ? {} : { ...NODE });
  for (const { name, parent } of graph.nodes) if (parent !== null) drawing.setParent(name, parent);
  for (const edge of graph.edges) {
    const lines = linesOf(edge);
    drawing.setEdge(edge.from, edge.to, {
      width: Math.max(...lines.map((line) => line.length)) * CHARACTER + 8,
      height: lines.length * LINE + 2,
      labelpos: 'c',
      // What jobs do in the ordinary run of things is drawn straightest.
      weight: edge.events.includes('admitted') || edge.events.includes('done') ? 3 : 1,
    });
  }
  layOut(drawing);
  const { width = 0, height = 0 } = drawing.graph();
  return {
    width,
    height,
    nodes: graph.nodes.map((node) => ({ ...node, ...boxOf(drawing.node(node.name)) })),
    edges: graph.edges.map((edge) => {
      const { points = [], x = 0, y = 0 } = drawing.edge(edge.from, edge.to);
      return { ...edge, path: curve(points), label: { x, y, lines: linesOf(edge) } };
    }),
  };
}

const MOST_ON_A_LINE = 2;

function linesOf({ events }: GraphEdge): string[] {
  const lines: string[] = [];
  for (let index = 0; index < events.length; index += MOST_ON_A_LINE) {
    lines.push(events.slice(index, index + MOST_ON_A_LINE).join(', '));
  }
  return lines;
}

const boxOf = ({ x = 0, y = 0, width = 0, height = 0 }): Box => ({
  x: x - width / 2,
  y: y - height / 2,
  width,
  height,
});

/** A line through all points, rounded at each. */
function curve(points: readonly { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const last = rest.at(-1) ?? first;
  const bends = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1] ?? point;
    const end = index === rest.length - 2 ? next : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q${point.x},${point.y} ${end.x},${end.y}`;
  });
  return `M${first.x},${first.y} ${bends.length > 0 ? bends.join(' ') : `L${last.x},${last.y}`}`;
}
