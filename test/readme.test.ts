import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { renderErrors } from './support/errors-document.js';
import { packageDirectory } from './support/imports.js';
import { errorsFile, generated, readmeFile, renderReadme } from './support/readme.js';

const readme = readFileSync(readmeFile, 'utf8');
const FIRST_SCREEN = 45;

/** What stands under a heading, up to the next one of the same rank. */
function section(title: string): string {
  const part = readme.split(/^## /m).find((each) => each.startsWith(`${title}\n`));
  assert.ok(part, `The README has no section "${title}".`);
  return part;
}

const documents = () => {
  const further = readdirSync(join(packageDirectory, 'docs')).filter((name) => name.endsWith('.md'));
  const github = ['.github/CONTRIBUTING.md', '.github/SECURITY.md'];
  return ['README.md', 'CHANGELOG.md', ...github, ...further.map((name) => join('docs', name))];
};
const linksIn = (text: string) =>
  [...text.matchAll(/\]\(([^)\s]+)\)|src(?:set)?="([^"]+)"/g)].map(
    ([, link, picture]) => link ?? picture ?? '',
  );
const isFile = (target: string) => !/^https?:/.test(target);
const textOf = (file: string) => readFileSync(join(packageDirectory, file), 'utf8');
/** The anchors that GitHub gives the headings of a document. */
const anchorsIn = (text: string) =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );

describe('the README', () => {
  for (const name of Object.keys(generated)) {
    it(`has the ${name} as the sources have it; \`npm run docs\` writes it anew`, () => {
      const part = new RegExp(`<!-- generated:${name} -->[^]*?<!-- /generated -->`);
      assert.equal(part.exec(readme)?.[0], part.exec(renderReadme(readme))?.[0]);
    });
  }

  it('has a page of errors as the sources have them; `npm run docs` writes it anew', () => {
    assert.equal(readFileSync(errorsFile, 'utf8'), renderErrors());
  });

  it('has the two commands, and what to paste into a client, on its first screen', () => {
    const first = readme.split('\n').slice(0, FIRST_SCREEN).join('\n');
    for (const part of ['npm ci && npm run demo', 'npm ci && npm test', '"mcpServers"'])
      assert.ok(first.includes(part), part);
  });

  it('and the documents link to files that exist, and to headings that exist', () => {
    const broken = documents().flatMap((file) =>
      linksIn(textOf(file))
        .filter(isFile)
        .filter((link) => {
          const [path, anchor] = link.split('#') as [string, string?];
          const target = path === '' ? file : join(file, '..', path);
          if (!existsSync(join(packageDirectory, target))) return true;
          return anchor !== undefined && !anchorsIn(textOf(target)).includes(anchor);
        })
        .map((link) => `${file}: ${link}`),
    );
    assert.deepEqual(broken, []);
  });

  it('leads to a table of what each folder holds, in docs/architecture.md', () => {
    assert.ok(linksIn(section('How to read the code')).includes('docs/architecture.md#folders'));
    const folders = readdirSync(join(packageDirectory, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `\`src/${name}/\``);
    const [, table = ''] = /^## Folders\n([\s\S]*?)^## /m.exec(textOf('docs/architecture.md')) ?? [];
    assert.deepEqual([...new Set(table.match(/`src\/[\w-]+\/`/g))].sort(), folders.sort());
  });

  it('and docs/guarantees.md name a test for every guarantee', () => {
    assert.ok(linksIn(section('Guarantees')).includes('docs/guarantees.md'));
    const rows = [...textOf('docs/guarantees.md').matchAll(/^\| (.+) \| (.+) \|$/gm)].slice(2);
    assert.ok(rows.length > 25);
    for (const [, guarantee, shownBy = ''] of rows) {
      const tests = linksIn(shownBy);
      assert.ok(tests.length > 0, guarantee);
      for (const path of tests) assert.match(path, /^\.\.\/test\/.+\.ts$/, guarantee);
    }
  });

  it('leads a reader along seven files', () => {
    assert.equal([...section('How to read the code').matchAll(/^\d\. \[/gm)].length, 7);
  });
});
