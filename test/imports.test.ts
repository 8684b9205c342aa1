import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { browserMayImport, mayImport, mayUse, starts } from './support/import-rules.js';
import {
  BROWSER,
  type Import,
  importsOf,
  moduleOf,
  programFiles,
  readSource,
  sourceFiles,
} from './support/imports.js';

const folderOf = (module: string) => `${module.split('/')[0]}/`;
const rowOf = (module: string) => (module in mayImport || !module.includes('/') ? module : folderOf(module));

const everything = programFiles().flatMap(importsOf);
const isStatement = ({ kind }: Import) => kind === 'value' || kind === 'type';
const own = everything.filter((each) => !each.package && isStatement(each));

function isAllowed({ from, to, kind }: Import): boolean {
  return (mayImport[rowOf(from)] ?? []).some((entry) => covers(entry, to, kind));
}

function covers(entry: string, to: string, kind: Import['kind']): boolean {
  const module = entry.replace(/^type /, '');
  const named = module.endsWith('/*') ? folderOf(to) === folderOf(module) : module === to;
  return named && (kind === 'type' || !entry.startsWith('type '));
}

describe('the imports', () => {
  it('keep to the table of who may import whom', () => {
    const broken = own
      .filter(({ from, to }) => rowOf(from) !== rowOf(to) || !from.includes('/'))
      .filter((each) => !isAllowed(each))
      .map(({ from, to, kind }) => `${from} imports the ${kind} of ${to}`);
    assert.deepEqual(broken, []);
  });

  it('of every file have a row in the table, and no row or permission is left over', () => {
    const modules = programFiles().map(moduleOf);
    assert.deepEqual(
      modules.filter((module) => !(rowOf(module) in mayImport)),
      [],
    );
    const unused = Object.entries(mayImport).flatMap(([row, entries]) => {
      const made = own.filter(({ from }) => rowOf(from) === row);
      return [
        ...(modules.some((module) => rowOf(module) === row) ? [] : [`${row} itself`]),
        ...entries
          .filter((entry) => !made.some(({ to, kind }) => covers(entry, to, kind)))
          .map((entry) => `${row}: ${entry}`),
      ];
    });
    assert.deepEqual(unused, []);
  });

  it('never run in a circle, neither between rows of the table nor between files', () => {
    assert.deepEqual(circles(own.map(({ from, to }) => [from, to])), []);
    assert.deepEqual(
      circles(
        own.map(({ from, to }) => [rowOf(from), rowOf(to)] as const).filter(([from, to]) => from !== to),
      ),
      [],
    );
  });

  it('of a library stay where that library belongs, and no permission is left over', () => {
    const used = everything.filter((each) => each.package);
    assert.deepEqual(
      used
        .filter(({ from, to }) => !mayUse[to]?.includes(rowOf(from)))
        .map(({ from, to }) => `${from} uses ${to}`),
      [],
    );
    const unused = Object.entries(mayUse).flatMap(([library, rows]) =>
      rows
        .filter((row) => !used.some(({ from, to }) => to === library && rowOf(from) === row))
        .map((row) => `${row}: ${library}`),
    );
    assert.deepEqual(unused, []);
  });

  it('of programs and thread entries are none: they are started by those who may', () => {
    const started = everything.filter((each) => !each.package && !isStatement(each));
    assert.deepEqual(
      started
        .filter(({ from, to }) => !starts[to]?.includes(from))
        .map(({ from, to }) => `${from} starts ${to}`),
      [],
    );
    // What is loaded on demand inside one folder may be imported for its types there.
    const entries = ['cli', 'bridge', 'daemon', 'pool/thread', 'store/sqlite-thread', 'demo/demo'];
    assert.deepEqual(
      own.filter(({ to }) => entries.includes(to)).map(({ from, to }) => `${from} imports ${to}`),
      [],
    );
  });

  it('of the bridge load no library, because an MCP client waits for it to start', () => {
    const reached = new Set(['bridge']);
    for (const module of reached) {
      for (const { from, to, kind } of everything) {
        if (from === module && kind === 'value') reached.add(to);
      }
    }
    const libraries = everything.filter((each) => each.package).map(({ to }) => to);
    assert.deepEqual(
      [...reached].filter((module) => libraries.includes(module)),
      [],
    );
  });
});

describe('the page in the browser', () => {
  it('takes from the rest what the table names, and so no code of the daemon', () => {
    const browsers = sourceFiles(BROWSER);
    const own = browsers.map(moduleOf);
    const fromRest = browsers.flatMap(importsOf).filter((each) => !each.package && !own.includes(each.to));
    assert.ok(fromRest.length > 0);
    assert.deepEqual(
      fromRest.filter(({ to, kind }) => !browserMayImport.some((entry) => covers(entry, to, kind))),
      [],
    );
  });
});

describe('the environment', () => {
  it('is read in one place for settings, and before them for the state directory alone', () => {
    const readers = programFiles().filter((path) => readSource(path).includes('process.env'));
    assert.deepEqual(
      readers.map(moduleOf).filter((module) => folderOf(module) !== 'demo/'),
      ['config', 'state-directory'],
    );
  });
});

/** The circles of a directed graph, each told once, from where it was entered. */
function circles(edges: readonly (readonly [string, string])[]): string[] {
  const next = new Map<string, Set<string>>();
  for (const [from, to] of edges) next.set(from, (next.get(from) ?? new Set()).add(to));
  const finished = new Set<string>();
  const found: string[] = [];
  const visit = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) found.push([...path.slice(path.indexOf(node)), node].join(' → '));
    if (path.includes(node) || finished.has(node)) return;
    for (const each of next.get(node) ?? []) visit(each, [...path, node]);
    finished.add(node);
  };
  for (const node of next.keys()) visit(node, []);
  return found;
}
