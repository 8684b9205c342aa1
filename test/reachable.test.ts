import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { importsOf, moduleOf, programFiles, readSource, sourceFiles } from './support/imports.js';

interface PackageFile {
  bin: Record<string, string>;
  exports: { '.': { default: string } };
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

/** The store's second implementation: the conformance suite holds it against SQLite, and other tests use it. */
const onlyForTests = ['store/memory'];

const readPackage = (path = 'package.json') => JSON.parse(readSource(path)) as PackageFile;

describe('everything that is there', () => {
  it('is reached from the program or the library of the package: no file is left over', () => {
    const { bin, exports } = readPackage();
    const built = [...Object.values(bin), exports['.'].default];
    const entry = built.map((path) => moduleOf(path.replace(/^(\.\/)?dist\//, '')));
    const files = new Map(programFiles().map((path) => [moduleOf(path), path]));
    // A set that grows while it is walked: imports, on demand or not, and entries named by a URL.
    const reached = new Set(entry);
    for (const module of reached) {
      const path = files.get(module);
      for (const { to } of path === undefined ? [] : importsOf(path)) reached.add(to);
    }
    assert.deepEqual(
      [...files.keys()].filter((module) => !reached.has(module)),
      onlyForTests,
    );
  });

  it('is a dependency that the program imports, and the program imports no other', () => {
    // The benches ship with the program, and run from its command line.
    const shipped = [...programFiles(), ...sourceFiles('bench')];
    const imported = shipped.flatMap((path) => importsOf(path).filter((each) => each.package));
    const names = [...new Set(imported.map(({ to }) => to))].sort();
    assert.deepEqual(names, Object.keys(readPackage().dependencies).sort());
  });

  it('is a tool that a test names, a script runs or the compiler is told of', () => {
    const { scripts, dependencies, devDependencies } = readPackage();
    const sources = ['src', 'test', 'bench'].flatMap(sourceFiles).map(readSource);
    const words = Object.values(scripts).flatMap((script) => script.split(/\s+/));
    const { types } = JSON.parse(readSource('tsconfig.json')).compilerOptions as { types: string[] };
    const isUsed = (name: string) =>
      sources.some((text) => new RegExp(`['"\`/]${name}['"\`/]`).test(text)) ||
      Object.keys(readPackage(`node_modules/${name}/package.json`).bin ?? {}).some((program) =>
        words.includes(program),
      ) ||
      [...types, ...Object.keys(dependencies)].some((type) => name === `@types/${type}`);
    assert.deepEqual(
      Object.keys(devDependencies).filter((name) => !isUsed(name)),
      [],
    );
  });
});
