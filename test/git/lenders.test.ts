import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lendersOf, quoted } from '../../src/git/lenders.js';
import { git, makeUser, makeWorkspace } from '../support/git.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);

/** A repository without a commit: its root, and where its objects are. */
async function makeEmpty(name = 'plain'): Promise<{ root: string; objects: string }> {
  const root = join(mkdtempSync(join(workspace, 'repository-')), name);
  await git(workspace, user, ['init', '-q', root]);
  return { root, objects: join(root, '.git/objects') };
}

const lend = (objects: string, list: string | Buffer): void =>
  writeFileSync(join(objects, 'info/alternates'), list);

/** What git says, which writes odd paths in quotes. */
async function askGit(root: string): Promise<string[]> {
  const told = (await git(root, user, ['count-objects', '-v'])).toString();
  return [...told.matchAll(/^alternate: (.+)$/gm)].map(([, path = '']) => path);
}

test('those from whom a repository borrows are those whom git names', async () => {
  const borrower = await makeEmpty();
  const [second, third, odd] = [await makeEmpty(), await makeEmpty(), await makeEmpty('o "d\\d')];
  const linked = join(workspace, 'linked');
  symlinkSync(second.root, linked);
  writeFileSync(join(workspace, 'file'), '');
  const list = [
    '# a remark',
    '',
    `../../../../${third.objects.slice(workspace.length + 1)}`,
    '/nowhere/objects',
    join(workspace, 'file'),
    `${linked}/.git/objects/`,
    ` ${odd.objects}`,
    borrower.objects,
  ];
  lend(borrower.objects, `${list.join('\n')}\n${quoted(odd.objects)}`);
  lend(odd.objects, '../../../../does/not/../exist\n');
  lend(second.objects, `${borrower.objects}\n${third.objects}\n`);
  const found = lendersOf(borrower.objects) ?? [];
  assert.deepEqual(new Set(found), new Set([third, second, odd].map(({ objects }) => realpathSync(objects))));
  const known = (await askGit(borrower.root)).map((path) => (path.startsWith('"') ? JSON.parse(path) : path));
  assert.deepEqual(new Set(found), new Set(known.map((path) => realpathSync(path))));
});

test('a chain of lenders is followed as far as git goes', async () => {
  const chain = [];
  for (let place = 0; place < 9; place += 1) chain.push(await makeEmpty());
  for (const [place, { objects }] of chain.entries()) {
    const next = chain[place + 1];
    if (next !== undefined) lend(objects, `${next.objects}\n`);
  }
  const root = chain[0]?.root ?? '';
  assert.deepEqual(lendersOf(join(root, '.git/objects')), await askGit(root));
});

test('where only git can tell who lends, nobody is named', async () => {
  const { objects } = await makeEmpty();
  const others = Array.from({ length: 33 }, (_, number) => join(workspace, `other-${number}`));
  for (const other of others) mkdirSync(other);
  const notUtf8 = Buffer.concat([Buffer.from(join(workspace, 'caf')), Buffer.from([0xe9])]);
  mkdirSync(notUtf8);
  symlinkSync(notUtf8, join(workspace, 'named-otherwise'));
  const lists = [
    Buffer.from([0x2f, 0xff, 0x0a]),
    '"/octal/\\101"\n',
    '"/unfinished\n',
    `${'#'.repeat(70_000)}\n`,
    others.join('\n'),
    join(workspace, 'named-otherwise'),
  ];
  for (const list of lists) {
    lend(objects, list);
    assert.equal(lendersOf(objects), null);
  }
});
