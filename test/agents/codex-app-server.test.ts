import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { codexAppServer } from '../../src/agents/codex-app-server.js';
import type { Submission } from '../../src/job/record.js';
import { makeTestUser, type TestUser } from '../support/agents.js';

describe('a job for an app-server', () => {
  let user: TestUser;
  const backend = codexAppServer();

  before(async () => {
    user = await makeTestUser({ FAKE_KEY: 'secret' });
  });
  after(() => user.remove());

  async function launch(submission: Partial<Submission> = {}, attempt = 1) {
    const job = { ...(await user.job('job', submission)), attempt };
    const launched = await backend.launch(job, user.settings);
    assert.ok(launched.ok);
    return launched.value;
  }

  async function isHosted(submission: Partial<Submission> = {}, attempt = 1): Promise<boolean> {
    return 'hostKind' in (await launch(submission, attempt));
  }

  test('goes to a host', async () => {
    assert.equal(await isHosted(), true);
  });

  for (const [what, submission] of [
    ['a question, which only reads', { kind: 'consult' }],
    ['a review, which only reads', { kind: 'review' }],
    ['one that leaves the configuration of the user out', { isolation: 'ignore-config' }],
    ['one with settings of its own', { extraSettings: ['model_verbosity="low"'] }],
  ] as const) {
    test(`runs by itself if it is ${what}`, async () => {
      assert.equal(await isHosted(submission as Partial<Submission>), false);
    });
  }

  test('runs by itself once it has lost two hosts', async () => {
    assert.equal(await isHosted({}, 2), true);
    assert.equal(await isHosted({}, 3), false);
  });

  for (const [what, config] of [
    ['starts MCP servers', () => '[mcp_servers.mine]\ncommand = "true"\n'],
    ['lets few variables through', () => '[shell_environment_policy]\ninclude_only = ["PATH"]\n'],
    [
      'trusts a directory around',
      () => `[projects.${JSON.stringify(dirname(user.worktree))}]\ntrust_level = "trusted"\n`,
    ],
  ] as const) {
    test(`runs by itself where the user's Codex ${what}`, async () => {
      const file = join(user.codexHome, 'config.toml');
      await writeFile(file, config());
      assert.equal(await isHosted(), false);
      await writeFile(file, '');
    });
  }

  test('goes to another kind of host once a key has changed', async () => {
    const file = join(user.codexHome, 'config.toml');
    await writeFile(file, '[model_providers.x]\nenv_key = "FAKE_KEY"\n');
    const [before, again] = [await launch(), await launch()];
    const { environment } = user.settings;
    user.settings.environment = { ...environment, FAKE_KEY: 'another' };
    const changed = await launch();
    user.settings.environment = environment;
    await writeFile(file, '');
    assert.ok('hostKind' in before && 'hostKind' in again && 'hostKind' in changed);
    assert.equal(again.hostKind, before.hostKind);
    assert.notEqual(changed.hostKind, before.hostKind);
    assert.deepEqual(before.job.hidden, ['FAKE_KEY']);
  });
});
