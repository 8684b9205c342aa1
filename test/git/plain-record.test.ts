import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { absolutePath, pathList, splitRecords } from '../../src/git/byte-path.js';
import { readIndex } from '../../src/git/index-file.js';
import { recordPlainly } from '../../src/git/plain-record.js';
import { git, makeRepository, makeUser, makeWorkspace, put } from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const strict = ['-c', 'core.protectNTFS=true', '-c', 'core.protectHFS=true'];

/** A repository, and a checkout of its files beside it. */
async function makeCheckout(files: Record<string, string> = { 'a.txt': 'one\n', 'dir/b.txt': 'two\n' }) {
  const root = await makeRepository(workspace, user, files);
  const index = readIndex(readFileSync(join(root, '.git/index')), 20);
  assert.ok(index);
  const checkout = mkdtempSync(join(workspace, 'checkout-'));
  for (const [path, content] of Object.entries(files)) put(checkout, path, content);
  const record = (removed: string[], changed: string[]) =>
    recordPlainly(checkout, index, { removed, changed }, join(root, '.git/objects'));
  return { root, checkout, record };
}

test('between the two trees lies what changed, and nothing else', async () => {
  const { root, checkout, record } = await makeCheckout({
    'a.txt': 'one\n',
    'dir/b.txt': 'two\n',
    'c.txt': 'three\n',
    d: '',
  });
  writeFileSync(join(checkout, 'a.txt'), 'other\n');
  chmodSync(join(checkout, 'c.txt'), 0o755);
  symlinkSync('a.txt', join(checkout, 'link'));
  rmSync(join(checkout, 'dir'), { recursive: true });
  put(checkout, 'dir', 'now a file\n');
  const trees = record(['dir/b.txt'], ['a.txt', 'c.txt', 'd', 'link', 'dir']);
  assert.ok(trees);
  const told = await git(root, user, ['diff-tree', '-r', '--name-status', trees.before, trees.after]);
  assert.deepEqual(told.toString().trim().split('\n').sort(), [
    'A\tdir',
    'A\tlink',
    'D\tdir/b.txt',
    'M\ta.txt',
    'M\tc.txt',
  ]);
  const modes = await git(root, user, ['ls-tree', trees.after]);
  assert.match(modes.toString(), /^100755 blob \w+\tc\.txt$/m);
  assert.match(modes.toString(), /^120000 blob \w+\tlink$/m);
});

const asPath = (name: string): string => Buffer.from(name).toString('latin1');

/** What git says to a name in an index. */
async function isRefused(root: string, mode: string, name: string): Promise<boolean> {
  const blob = (await git(root, user, ['hash-object', '-w', '--stdin'])).toString().trim();
  const entry = ['--add', '--cacheinfo', `${mode},${blob},${name}`];
  return git(root, user, [...strict, 'update-index', ...entry]).then(
    () => false,
    () => true,
  );
}

for (const name of [
  '.git',
  '.GIT',
  '.Git/config',
  'git~1',
  'dir/GIT~1/x',
  '.git.',
  '.git ',
  '.git . .',
  '.git::$INDEX_ALLOCATION',
  '.git:x',
  '.g\u200cit',
  '\u200c.git',
  '.gi\u200dt/x',
  'a\\.git',
  'dir/a\\b\\GIT~1',
]) {
  test(`a name that git refuses is left to git: ${JSON.stringify(name)}`, async () => {
    const { root, checkout, record } = await makeCheckout();
    assert.ok(await isRefused(root, '100644', name));
    put(checkout, name, 'new\n');
    assert.equal(record([], [asPath(name)]), null);
    assert.equal(record([asPath(name)], []), null);
  });
}

for (const name of [
  '.gitmodules',
  '.GITMODULES',
  'gitmod~1',
  'GI7EBA~1',
  '.gitmodules ',
  '~1234567',
  'g~123456',
  'a\\.gitmodules',
]) {
  test(`a link that git refuses is left to git: ${JSON.stringify(name)}`, async () => {
    const { root, checkout, record } = await makeCheckout();
    assert.ok(await isRefused(root, '120000', name));
    symlinkSync('a.txt', join(checkout, name));
    assert.equal(record([], [name]), null);
  });
}

const like = fc.constantFrom('.git', 'git~1', '.gitmodules', 'gitmod~1', 'gi7eba~1', 'g~123456', '~1234567');
/** As bytes: no width, no character. */
const between = fc.constantFrom(
  '',
  '',
  'a\\',
  '.',
  ' ',
  ':',
  '~',
  '1',
  'x',
  '-',
  'm',
  asPath('\u200c'),
  asPath('\ufeff'),
  '\xff',
);
const nameLikeGits = fc
  .tuple(between, like, fc.nat(8), between, between, fc.boolean())
  .map(([before, name, at, within, after, isUpper]) => {
    const whole = before + name.slice(0, at) + within + name.slice(at) + after;
    return isUpper ? whole.replace(/[a-z]/g, (letter) => letter.toUpperCase()) : whole;
  });

test('of all names that look like those of git, none that git refuses is recorded without it', async () => {
  const names = [...new Set(fc.sample(nameLikeGits, 1_000))];
  for (const kind of ['file', 'link']) {
    const { root, checkout, record } = await makeCheckout();
    for (const name of names) {
      const place = absolutePath(checkout, name);
      if (kind === 'file') writeFileSync(place, '');
      else symlinkSync('a.txt', place);
    }
    const add = [`--work-tree=${checkout}`, ...strict, 'update-index', '--add', '-z', '--stdin'];
    await git(root, user, ['read-tree', '--empty']);
    await git(root, user, add, pathList(names));
    const listed = splitRecords(await git(root, user, ['ls-files', '-z']));
    const refused = names.filter((name) => !listed.includes(name));
    assert.ok(refused.length > 0);
    assert.deepEqual(
      refused.filter((name) => record([], [name]) !== null),
      [],
    );
  }
});

for (const name of [
  '.gitignore',
  'dir/.gitattributes',
  '.github/workflows/x.yml',
  '.git-blame-ignore-revs',
  '.gitkeeper',
  'git',
  'github/index.ts',
  'git-tools/git.sh',
  'Gi/g-i.ts',
  'GIT~/x',
  'digit.ts',
  '\u65e5\u672c.txt',
  'backup~',
  'new\nline',
]) {
  test(`a name that no system takes for git's own is recorded: ${JSON.stringify(name)}`, async () => {
    const { root, checkout, record } = await makeCheckout();
    put(checkout, name, 'new\n');
    const trees = record([], [asPath(name)]);
    assert.ok(trees);
    const listed = await git(root, user, ['ls-tree', '-r', '-z', '--name-only', trees.after]);
    assert.equal(listed.toString(), `${name}\0`);
  });
}

test('what is no file and no link, what is not there, and what lies behind a link is left to git', async () => {
  const { checkout, record } = await makeCheckout();
  mkdirSync(join(checkout, 'directory'));
  put(join(workspace, 'elsewhere'), 'file', 'theirs\n');
  symlinkSync(join(workspace, 'elsewhere'), join(checkout, 'behind'));
  for (const path of ['directory', 'nowhere', 'behind/file']) assert.equal(record([], [path]), null, path);
});

test('much of it is left to git, which need not hold it in memory', async () => {
  const { checkout, record } = await makeCheckout();
  writeFileSync(join(checkout, 'a.txt'), Buffer.alloc(17 * 1024 * 1024));
  assert.equal(record([], ['a.txt']), null);
});

test('what lies deep is left to git, whose work on a file does not grow with that', async () => {
  const { checkout, record } = await makeCheckout();
  for (const [depth, isRecorded] of [
    [31, true],
    [32, false],
  ] as const) {
    const path = `${'d/'.repeat(depth)}file`;
    put(checkout, path, 'new\n');
    assert.equal(record([], [path]) !== null, isRecorded, String(depth));
    assert.equal(record([path], []) !== null, isRecorded, String(depth));
  }
});
