import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { transform } from 'esbuild';
import { packageDirectory } from '../support/imports.js';

interface PatchFile {
  path: string;
  lines: { kind: string; text: string }[];
  added: number;
  removed: number;
}

describe('a patch, as the page shows it', () => {
  let filesOf: (patch: string) => PatchFile[];
  // What a browser runs is bundled, not compiled to a module of its own.
  before(async () => {
    const source = await readFile(join(packageDirectory, 'src/browser/patch/parse.ts'), 'utf8');
    const { code } = await transform(source, { loader: 'ts', format: 'esm' });
    ({ filesOf } = await import(`data:text/javascript,${encodeURIComponent(code)}`));
  });

  const file = (name: string, ...lines: string[]) =>
    `diff --git a/${name} b/${name}\nindex 1..2 100644\n--- a/${name}\n+++ b/${name}\n@@ -1,2 +1,2 @@\n${lines.map((line) => `${line}\n`).join('')}`;

  it('is cut into its files, each line with its part', () => {
    const [first, second, ...more] = filesOf(file('a', '-old', '+new', ' same') + file('b', '+only'));
    assert.deepEqual([first?.path, first?.added, first?.removed], ['a', 1, 1]);
    assert.deepEqual(
      first?.lines.slice(4).map(({ kind }) => kind),
      ['hunk', 'removed', 'added', 'same'],
    );
    assert.deepEqual([second?.path, second?.added, more], ['b', 1, []]);
  });

  for (const [what, separator] of [
    ['a carriage return', '\r'],
    ['a line separator', '\u2028'],
    ['a paragraph separator', '\u2029'],
  ]) {
    it(`has no file that only ${what} inside of a line begins`, () => {
      const posed = `+x${separator}diff --git a/harmless b/harmless`;
      const files = filesOf(file('real', posed, '+++ run this'));
      assert.deepEqual(
        files.map(({ path, added }) => [path, added]),
        [['real', 2]],
      );
    });
  }
});
