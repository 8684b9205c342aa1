import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { codexExec } from '../../src/agents/codex-exec.js';
import type { Settings } from '../../src/config.js';
import { startAccountServer } from '../support/account-server.js';
import { makeTestUser, type TestUser, withProgram } from '../support/agents.js';
import { gone } from '../support/gone.js';

const neverAborted = new AbortController().signal;
const ask = (settings: Settings, signal = neverAborted) => codexExec().account(settings, signal);

async function user(context: TestContext): Promise<TestUser> {
  const made = await makeTestUser();
  context.after(() => made.remove());
  return made;
}

describe('what Codex offers', () => {
  test('is its models with their efforts, and the one that it takes by itself', async (context) => {
    const { settings } = await user(context);
    const account = await ask(settings);
    assert.ok(account.ok);
    const { models, model, effort, limits } = account.value;
    const chosen = models.find((each) => each.model === model);
    assert.ok(models.length > 1 && chosen !== undefined);
    assert.ok(chosen.efforts.includes(chosen.defaultEffort));
    assert.equal(effort, chosen.defaultEffort);
    assert.equal(limits, null);
  });

  test("heeds the user's configuration, and over it Offshoot's own setting", async (context) => {
    const { codexHome, settings } = await user(context);
    await writeFile(join(codexHome, 'config.toml'), 'model = "gpt-5.5"\nmodel_reasoning_effort = "high"\n');
    const theirs = await ask(settings);
    assert.deepEqual(theirs.ok && [theirs.value.model, theirs.value.effort], ['gpt-5.5', 'high']);
    const ours = await ask({ ...settings, model: 'gpt-6-sol' });
    assert.deepEqual(ours.ok && [ours.value.model, ours.value.effort], ['gpt-6-sol', 'high']);
  });

  test('tells how much of its limits an account has used', async (context) => {
    const { codexHome, settings } = await user(context);
    const server = await startAccountServer(42, 1_800_000_000);
    context.after(() => server.close());
    await server.logIn(codexHome);
    const before = await readFile(join(codexHome, 'auth.json'), 'utf8');
    const account = await ask(settings);
    assert.deepEqual(account.ok && account.value.limits, [
      { name: 'codex', usedPercent: 42, windowMinutes: 300, resetsAt: 1_800_000_000_000 },
    ]);
    assert.equal(await readFile(join(codexHome, 'auth.json'), 'utf8'), before);
    assert.ok(!server.asked.some((path) => path.includes('plugins')));
  });

  test('is told without the limits when the account does not answer', async (context) => {
    const { codexHome, settings } = await user(context);
    const server = await startAccountServer(null, 0);
    context.after(() => server.close());
    await server.logIn(codexHome);
    const account = await ask(settings);
    assert.ok(account.ok && account.value.models.length > 1);
    assert.equal(account.value.limits, null);
  });

  test('is not told by a program that is no Codex, whatever it does', async (context) => {
    const made = await user(context);
    const refusal = async (settings: Settings) => {
      const account = await ask(settings);
      return account.ok ? null : account.fault.code;
    };
    assert.equal(await refusal({ ...made.settings, codexPath: '/nowhere/codex' }), 'codex_not_found');
    for (const script of ['exit 1', 'echo "{"; echo null; echo 7; exit 0', 'cat']) {
      assert.equal(await refusal(await withProgram(made, script)), 'codex_unsupported', script);
    }
  });

  test('leaves no process when it is stopped', { timeout: 120_000 }, async (context) => {
    const made = await user(context);
    const settings = await withProgram(made, `sleep 60 & echo $$ $! > ${made.root}/pids; wait`);
    const stop = new AbortController();
    const asked = ask(settings, stop.signal);
    const pids = () => readFile(join(made.root, 'pids'), 'utf8').catch(() => '');
    while (!(await pids()).endsWith('\n')) await setTimeout(10);
    stop.abort();
    assert.ok(!(await asked).ok);
    for (const pid of (await pids()).trim().split(' ')) await gone(Number(pid));
  });
});
