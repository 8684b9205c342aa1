import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { importBrowserModule } from '../support/browser-module.js';

interface PatchFile {
  path: string;
  lines: { kind: string; text: string }[];
  added: number;
  removed: number;
}

describe('a patch, as the page shows it', () => {
  let filesOf: (patch: string) => PatchFile[];
  before(async () => {
    ({ filesOf } = await importBrowserModule('patch/parse.ts'));
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
