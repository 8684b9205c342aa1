import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  applied,
  type Captured,
  capture,
  make,
  makeRepository,
  makeUser,
  makeWorkspace,
  planFor,
  put,
} from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const secret = `ghp_${'aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6'}`;
const keyBlock = [
  '-----BEGIN',
  'RSA PRIVATE KEY-----\nMIIEabc\nabc=\n-----END',
  'RSA PRIVATE KEY-----\n',
].join(' ');

const files = {
  'a.txt': 'one\ntwo\nthree\n',
  'config.ts': `const token = '${secret}';\n${'line\n'.repeat(20)}end\n`,
  'package.json': '{"name": "x", "scripts": {"test": "node --test"}}\n',
  'other/package.json': '{"name": "y", "version": "1"}\n',
};

async function captureAfter(
  act: (tree: string) => unknown,
  more: Record<string, string> = {},
): Promise<Captured & { tree: Record<string, string> }> {
  const root = await makeRepository(workspace, user, { ...files, ...more });
  const worktree = await make(planFor(workspace, root, user));
  await act(worktree.path);
  const captured = await capture(workspace, worktree, user);
  return { ...captured, tree: await applied(workspace, worktree, user, captured.shown) };
}

const reasons = ({ kept }: Captured) =>
  kept.flatMap(({ path, redacted }) => (redacted ? [[path, redacted]] : []));

test('a patch without secrets is shown as it is', async () => {
  const captured = await captureAfter((tree) => put(tree, 'a.txt', 'one\n2\nthree\n'));
  assert.ok(captured.shown.equals(captured.patch));
  assert.deepEqual(reasons(captured), []);
  assert.deepEqual(captured.kept[0]?.shown, captured.kept[0]?.exact);
});

test('secrets in added lines are masked, and the rest applies', async () => {
  const captured = await captureAfter((tree) => {
    put(tree, 'a.txt', `one\ntoken = ${secret}\nthree\n${keyBlock}after\n`);
    put(tree, 'new.txt', 'plain\n');
  });
  const shown = captured.shown.toString();
  assert.match(captured.patch.toString(), new RegExp(secret));
  assert.doesNotMatch(shown, /ghp_|MIIE|PRIVATE KEY/);
  assert.match(shown, /^\+token = \[redacted\]$/m);
  assert.match(shown, /^\+after$/m);
  assert.deepEqual(reasons(captured), [['a.txt', 'masked']]);
  assert.ok('new.txt' in captured.tree);
});

test('a file is withheld when its name tells of secrets, or when lines that must match hold one', async () => {
  const captured = await captureAfter((tree) => {
    put(tree, '.env', 'A=1\n');
    put(tree, 'config.ts', files['config.ts'].replace('\nline', '\nchanged'));
    put(tree, 'a.txt', 'changed\n');
  });
  assert.deepEqual(reasons(captured), [
    ['.env', 'secret_file'],
    ['config.ts', 'secret_in_baseline'],
  ]);
  assert.doesNotMatch(captured.shown.toString(), /ghp_|A=1/);
  assert.ok(!('.env' in captured.tree));
  assert.equal(captured.kept.find(({ path }) => path === '.env')?.shown, null);
});

test('a change far from a secret is shown, but for the heading of its hunk', async () => {
  const captured = await captureAfter((tree) =>
    put(tree, 'config.ts', files['config.ts'].replace('end', 'END')),
  );
  assert.doesNotMatch(captured.shown.toString(), /ghp_/);
  assert.match(captured.shown.toString(), /^\+END$/m);
});

test('where the rest does not apply without what is withheld, all is withheld', async () => {
  const captured = await captureAfter((tree) => {
    rmSync(join(tree, 'config.ts'));
    put(tree, 'config.ts/inner.ts', 'x\n');
  });
  assert.deepEqual(reasons(captured), [
    ['config.ts', 'secret_in_baseline'],
    ['config.ts/inner.ts', 'would_not_apply'],
  ]);
  assert.equal(captured.shown.length, 0);
});

test('the same holds of a name that git has to quote', async () => {
  const captured = await captureAfter(
    (tree) => {
      rmSync(join(tree, '".pem'));
      put(tree, '".pem/inner.ts', 'x\n');
    },
    { '".pem': 'key\n' },
  );
  assert.deepEqual(reasons(captured), [
    ['"\\".pem"', 'secret_file'],
    ['"\\".pem/inner.ts"', 'would_not_apply'],
  ]);
  assert.equal(captured.shown.length, 0);
});

test('a file whose type changes keeps both of its parts together', async () => {
  const captured = await captureAfter((tree) => {
    rmSync(join(tree, 'a.txt'));
    symlinkSync('package.json', join(tree, 'a.txt'));
    put(tree, 'z.txt', `${secret}\n`);
  });
  assert.deepEqual(reasons(captured), [['z.txt', 'masked']]);
});

test('links that leave the tree, and files that make programs run, are flagged', async () => {
  const { kept } = await captureAfter((tree) => {
    symlinkSync('/nonexistent/outside', join(tree, 'absolute'));
    mkdirSync(join(tree, 'deep'));
    symlinkSync('../a.txt', join(tree, 'deep/inside'));
    symlinkSync('../../out', join(tree, 'deep/outside'));
    symlinkSync('..', join(tree, 'deep/up'));
    symlinkSync('./deep/inside', join(tree, 'down'));
    symlinkSync('deep/up/../nothing', join(tree, 'roundabout'));
    put(tree, '.gitattributes', '* text\n');
    put(tree, '.husky/pre-commit', 'true\n');
    put(tree, '.github/workflows/ci.yml', 'on: push\n');
    put(tree, '.gitlab-ci.yml', 'test: {}\n');
    put(tree, 'package.json', '{"name": "x", "scripts": {"postinstall": "curl example.org"}}\n');
    put(tree, 'other/package.json', '{"name": "y", "version": "2"}\n');
    renameSync(join(tree, 'a.txt'), join(tree, 'b.txt'));
  });
  const flags = Object.fromEntries(kept.map((file) => [file.path, file.flags ?? []]));
  assert.deepEqual(flags, {
    '.gitattributes': ['runs_at_checkout'],
    '.github/workflows/ci.yml': ['runs_in_ci'],
    '.gitlab-ci.yml': ['runs_in_ci'],
    '.husky/pre-commit': ['runs_at_checkout'],
    absolute: ['link_leaves_tree'],
    'b.txt': [],
    'deep/inside': [],
    'deep/outside': ['link_leaves_tree'],
    'deep/up': [],
    down: [],
    'other/package.json': [],
    'package.json': ['runs_at_install'],
    roundabout: ['link_leaves_tree'],
  });
});

test('links are looked at without a process for each', async () => {
  const worktree = await make(planFor(workspace, await makeRepository(workspace, user, files), user));
  for (const name of ['one', 'two', 'three']) symlinkSync('a.txt', join(worktree.path, name));
  const directory = join(workspace, 'watched');
  mkdirSync(directory);
  const [program, log] = [join(directory, 'git'), join(directory, 'asked')];
  writeFileSync(program, `#!/bin/sh\necho "$*" >>'${log}'\nPATH='${user.PATH}' exec git "$@"\n`);
  chmodSync(program, 0o700);
  const { kept } = await capture(workspace, worktree, { ...user, PATH: `${directory}:${user.PATH}` });
  assert.equal(kept.length, 3);
  assert.doesNotMatch(readFileSync(log, 'utf8'), /cat-file/);
});

test('what a file is called counts also where git has to quote its name', async () => {
  const { kept } = await captureAfter((tree) => {
    mkdirSync(Buffer.from(`${tree}/caf\xe9`, 'latin1'));
    for (const name of ['.env', 'package.json']) {
      const content = '{"scripts": {"postinstall": "curl example.org"}}\n';
      writeFileSync(Buffer.from(`${tree}/caf\xe9/${name}`, 'latin1'), content);
    }
    put(tree, '"/.env', 'A=1\n');
  });
  assert.deepEqual(
    kept.map(({ path, redacted, flags }) => [path, redacted ?? flags]),
    [
      ['"\\"/.env"', 'secret_file'],
      ['"caf\\351/.env"', 'secret_file'],
      ['"caf\\351/package.json"', ['runs_at_install']],
    ],
  );
});

test('a package that is too large to be compared is flagged without being read', async () => {
  const root = await makeRepository(workspace, user, files);
  const worktree = await make(planFor(workspace, root, user));
  put(
    worktree.path,
    'package.json',
    `{"name": "x", "scripts": {"test": "node --test"}${' '.repeat(2_000_000)}}\n`,
  );
  const { kept } = await capture(workspace, worktree, user);
  assert.deepEqual(
    kept.map(({ flags }) => flags),
    [['runs_at_install']],
  );
});
