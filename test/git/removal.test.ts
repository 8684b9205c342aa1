import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deleteTree } from '../../src/git/removal.js';
import { makeWorkspace, snapshot } from '../support/git.js';

test('a tree is deleted whose directories nobody may write to, and nothing that its links lead to', async () => {
  const workspace = makeWorkspace();
  const [tree, other] = [join(workspace, 'tree'), join(workspace, 'other')];
  for (const directory of [join(tree, 'go/pkg/mod'), other]) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'a.txt'), 'one\n');
    symlinkSync(other, join(directory, 'link'));
    chmodSync(directory, 0o555);
  }
  const before = snapshot(other);
  await deleteTree(tree);
  assert.ok(!existsSync(tree));
  assert.deepEqual(snapshot(other), before);
  chmodSync(other, 0o755);
});
