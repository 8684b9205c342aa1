import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DirectedGraphEdge, type DirectedGraphNode, toDirectedGraph } from 'xstate/graph';
import { jobMachine } from '../../machines/job.js';
import { loadSettings } from '../../src/config.js';
import { operations } from '../../src/operations/index.js';
import { renderErrors } from './errors-document.js';
import { code, table } from './markdown.js';
import { measured } from './measured.js';

const file = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
export const readmeFile = file('README.md');
export const errorsFile = file('docs/errors.md');

/** The parts of the README that are made from the sources, by the name in their markers. */
export const generated: Record<string, () => string> = { statechart, states, tools, settings, measured };

/** The README with every generated part made anew. Throws when it lacks the markers of one. */
export function renderReadme(text: string): string {
  return Object.entries(generated).reduce((readme, [name, make]) => {
    const [start, end] = [`<!-- generated:${name} -->`, '<!-- /generated -->'];
    const from = readme.indexOf(start) + start.length;
    const to = readme.indexOf(end, from);
    if (from < start.length || to < 0) throw new Error(`The README has no part between ${start} and ${end}.`);
    return `${readme.slice(0, from)}\n${make()}\n${readme.slice(to)}`;
  }, text);
}

/**
 * The job's machine as a Mermaid diagram. Events that lead back to the same state are left out; the end of a
 * stage is called `done`, or `error` when the stage broke.
 */
export function statechart(): string {
  const graph = toDirectedGraph(jobMachine);
  const edges = edgesOf(graph).filter(({ source, target }) => source !== target);
  return fence('mermaid', ['stateDiagram-v2', ...statesInside(graph, edges).map((line) => `  ${line}`)]);
}

const edgesOf = (node: DirectedGraphNode): DirectedGraphEdge[] => [
  ...node.edges,
  ...node.children.flatMap(edgesOf),
];

/** What stands in the block of one state: where it begins, the states that have states inside, its arrows. */
function statesInside(parent: DirectedGraphNode, edges: readonly DirectedGraphEdge[]): string[] {
  const initial = parent.stateNode.initial.target?.[0]?.key;
  const blocks = parent.children
    .filter((node) => node.children.length > 0)
    .flatMap((node) => [
      `state ${nameOf(node)} {`,
      ...statesInside(node, edges).map((line) => `  ${line}`),
      '}',
    ]);
  const finals = parent.children.filter(({ stateNode }) => stateNode.type === 'final');
  return [
    `[*] --> ${initial}`,
    ...blocks,
    ...arrows(edges, (edge) => blockOf(edge) === parent.stateNode),
    ...finals.map((node) => `${nameOf(node)} --> [*]`),
  ];
}

/** An arrow stands in the block that holds both of its ends: that of a sibling, or of the whole machine. */
const blockOf = ({ source, target }: DirectedGraphEdge) =>
  source.parent === target.parent ? source.parent : source.machine.root;

/** One arrow for all that leads from one state to another, for those that are wanted. */
function arrows(
  edges: readonly DirectedGraphEdge[],
  isWanted: (edge: DirectedGraphEdge) => boolean,
): string[] {
  const labels = new Map<string, Set<string>>();
  for (const edge of edges.filter(isWanted)) {
    const arrow = `${edge.source.key} --> ${edge.target.key}`;
    labels.set(arrow, (labels.get(arrow) ?? new Set()).add(labelOf(edge, edges)));
  }
  return [...labels].map(([arrow, each]) => `${arrow}: ${[...each].join(', ')}`);
}

/** The event and its guard. Guards of an event that leads to the same state unguarded do not matter. */
function labelOf(edge: DirectedGraphEdge, edges: readonly DirectedGraphEdge[]): string {
  const alike = edges.filter(({ source, label }) => source === edge.source && label.text === edge.label.text);
  const event = /^xstate\.(done|error)\.actor/.exec(edge.label.text)?.[1] ?? edge.label.text;
  const otherwise = alike.find(({ transition }) => transition.guard === undefined);
  if (alike.every(({ target }) => target === edge.target)) return event;
  return otherwise?.target === edge.target ? `${event} [else]` : `${event} [${guardOf(edge)}]`;
}

function guardOf({ transition: { guard } }: DirectedGraphEdge): string {
  if (typeof guard === 'object' && 'type' in guard) return String(guard.type);
  return typeof guard === 'string' ? guard : 'guard';
}

const nameOf = (node: DirectedGraphNode) => node.stateNode.key;

/** The states with their descriptions, as the machine's file has them. */
export function states(): string {
  const leaves = (node: DirectedGraphNode): DirectedGraphNode[] =>
    node.children.length === 0 ? [node] : node.children.flatMap(leaves);
  const rows = leaves(toDirectedGraph(jobMachine)).map((node) => [
    code(nameOf(node)),
    node.stateNode.description ?? '',
  ]);
  return table(['State', 'Meaning'], rows);
}

/** Every operation: its two names, and the first sentence of what it tells about itself. */
export function tools(): string {
  const rows = operations.map(({ tool, command, description }) => [
    code(tool),
    code(`offshoot ${command}`),
    description.split(/(?<=\.) /)[0] ?? description,
  ]);
  return table(['Tool', 'Command', 'What it does'], rows);
}

/** Every setting: its variable, its default, and what it means. */
export function settings(): string {
  // A home that nobody has: defaults below it are the same on every machine.
  const home = '/nonexistent';
  const loaded = loadSettings({ HOME: home });
  if (!loaded.ok) throw new Error(loaded.fault.message);
  const rows = loaded.value.lines.map(({ variable, value, description }) => [
    code(variable),
    value === null ? 'none' : code(String(value).replace(home, '~')),
    description,
  ]);
  return table(['Variable', 'Default', 'Meaning'], rows);
}

const fence = (language: string, lines: readonly string[]) =>
  [`\`\`\`${language}`, ...lines, '```'].join('\n');

const isProgram =
  process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) {
  writeFileSync(readmeFile, renderReadme(readFileSync(readmeFile, 'utf8')));
  writeFileSync(errorsFile, renderErrors());
}
