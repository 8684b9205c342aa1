import assert from 'node:assert/strict';
import { readdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stateLayout } from '../../src/job/layout.js';
import type { StageChannel } from '../../src/stages/channel.js';
import { worktree } from '../../src/stages/worktree.js';
import { makeRepository, makeUser, makeWorkspace } from '../support/git.js';
import { submission, testSettings } from '../support/house.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const settings = testSettings(workspace, { environment: user });
const channel: StageChannel = {
  stop: new AbortController().signal,
  report: () => undefined,
  close: () => undefined,
};

test('a repository that was moved since its job was submitted gets no worktree that nobody would find', async () => {
  const root = await makeRepository(workspace, user);
  const task = {
    jobId: '1'.padStart(32, '0'),
    submission: submission({ repository: join(root, '.git'), workspaceRoot: root }),
    stopping: false,
  };
  const before = await worktree(task, settings, channel);
  assert.equal(before.ok, true);
  renameSync(root, `${root}-moved`);
  symlinkSync(`${root}-moved`, root);
  const later = { ...task, jobId: '2'.padStart(32, '0') };
  const made = await worktree(later, settings, channel);
  assert.equal(made.ok ? 'ok' : made.code, 'worktree_failed');
  assert.match(made.ok ? '' : made.message, /another repository than when the job was submitted/);
  assert.equal(readdirSync(stateLayout(settings.stateDir).repositories).length, 1);
});
