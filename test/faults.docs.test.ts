import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { packageDirectory } from './support/imports.js';

const textOf = (path: string) => readFileSync(join(packageDirectory, path), 'utf8');
const rows = [...textOf('docs/faults.md').matchAll(/^\| (.+) \| (.+) \| (.+) \|$/gm)].filter(
  ([, fault = '']) => fault !== 'Fault' && !fault.startsWith('-'),
);

describe('docs/faults.md', () => {
  it('names a test that exists for each fault, or says that nothing shows it', () => {
    assert.ok(rows.length > 40);
    for (const [, fault = '', promise = '', shownBy = ''] of rows) {
      if (shownBy === '–') {
        assert.match(promise, /Not shown/, fault);
        continue;
      }
      const [, file = '', title = ''] = /^`(test\/.+\.test\.ts)`: "(.+)"$/.exec(shownBy) ?? [];
      assert.notEqual(title, '', `${fault}: ${shownBy}`);
      // A title stands in its test's source as a string: whichever the quotes.
      const quoted = [`'${title}'`, `"${title}"`];
      assert.ok(
        quoted.some((string) => textOf(file).includes(string)),
        `${file} has no test "${title}".`,
      );
    }
  });
});
