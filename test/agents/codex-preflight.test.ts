import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { codexExec } from '../../src/agents/codex-exec.js';
import { findCodex } from '../../src/agents/codex-program.js';
import type { Settings } from '../../src/config.js';
import { providerConfig } from '../../src/demo/scripted-model.js';
import { codexWrapper, makeTestUser, type TestUser, withProgram } from '../support/agents.js';
import { gone } from '../support/gone.js';

const neverAborted = new AbortController().signal;
const check = (settings: Settings, signal = neverAborted) => codexExec().preflight(settings, signal);

async function user(context: TestContext, environment: Record<string, string> = {}): Promise<TestUser> {
  const made = await makeTestUser(environment);
  context.after(() => made.remove());
  return made;
}

describe('finding the program', () => {
  test('runs the native program behind the wrapper of npm', async (context) => {
    const { settings } = await user(context);
    const found = await findCodex(settings);
    assert.ok(found.ok);
    assert.match(found.value, /vendor\/[^/]+\/bin\/codex$/);
  });

  test('takes the first codex on PATH that can be run', async (context) => {
    const { root, settings } = await user(context);
    const [first, second] = [join(root, 'first'), join(root, 'second')];
    await mkdir(join(first, 'codex'), { recursive: true });
    await mkdir(second);
    await symlink(codexWrapper, join(second, 'codex'));
    const environment = { ...settings.environment, PATH: `relative:${first}:${second}` };
    const found = await findCodex({ ...settings, codexPath: null, environment });
    assert.match(found.ok ? found.value : found.fault.code, /vendor\/[^/]+\/bin\/codex$/);
  });

  test('leaves any other program as it is', async (context) => {
    const made = await user(context);
    const settings = await withProgram(made, 'exit 0');
    assert.deepEqual(await findCodex(settings), { ok: true, value: settings.codexPath });
  });

  test('refuses with codex_not_found when there is none', async (context) => {
    const { settings } = await user(context);
    for (const codexPath of [null, '/nowhere/codex', '/']) {
      const ready = await check({ ...settings, codexPath });
      assert.equal(ready.ok ? null : ready.fault.code, 'codex_not_found');
    }
  });
});

describe('the preflight', () => {
  test('finds out version, login and sandbox', async (context) => {
    const { codexHome, settings } = await user(context);
    await writeFile(join(codexHome, 'config.toml'), providerConfig('http://127.0.0.1:9/v1', 'K'));
    const ready = await check(settings);
    if (!ready.ok && ready.fault.code === 'sandbox_unavailable') return context.skip(ready.fault.message);
    assert.ok(ready.ok);
    assert.equal(ready.value.version, '0.169.0');
    assert.equal(ready.value.loggedIn, false);
    assert.equal(ready.value.sandbox, true);
    assert.deepEqual(ready.value.notes, ['Codex is not logged in; another credential is configured.']);
  });

  test('refuses with codex_auth_required when nobody is logged in and nothing else is configured', async (context) => {
    const { codexHome, settings } = await user(context);
    const bare = await check(settings);
    assert.equal(bare.ok ? null : bare.fault.code, 'codex_auth_required');
    await writeFile(join(codexHome, 'config.toml'), 'model_provider = "openai"\n');
    const openai = await check(settings);
    assert.equal(openai.ok ? null : openai.fault.code, 'codex_auth_required');
  });

  test('knows a login with an API key, by auth.json', async (context) => {
    const { codexHome, settings } = await user(context);
    await writeFile(join(codexHome, 'auth.json'), JSON.stringify({ OPENAI_API_KEY: 'sk-for-a-test' }));
    const ready = await check(settings);
    if (!ready.ok && ready.fault.code === 'sandbox_unavailable') return context.skip(ready.fault.message);
    assert.equal(ready.ok && ready.value.loggedIn, true);
  });

  test('accepts CODEX_API_KEY in the place of a login', async (context) => {
    const { settings } = await user(context, { CODEX_API_KEY: 'k' });
    const ready = await check(settings);
    assert.notEqual(ready.ok ? null : ready.fault.code, 'codex_auth_required');
  });

  test('lets an odd program through and notes what it could not find out', async (context) => {
    const settings = await withProgram(await user(context), 'exit 3');
    const ready = await check(settings);
    assert.ok(ready.ok);
    assert.deepEqual([ready.value.version, ready.value.loggedIn, ready.value.sandbox], [null, null, null]);
    assert.equal(ready.value.notes.length, 3);
  });

  test('refuses a Codex that is too old, and notes one that is older than tried', async (context) => {
    const made = await user(context);
    const old = await check(await withProgram(made, 'echo codex-cli 0.99.1; [ "$1" = --version ]'));
    assert.equal(old.ok ? null : old.fault.code, 'codex_unsupported');
    const older = await check(await withProgram(made, 'echo codex-cli 0.140.0-beta.1'));
    assert.equal(older.ok && older.value.version, '0.140.0-beta.1');
    assert.match(older.ok ? older.value.notes.join() : '', /0\.169/);
  });

  test('lets a Codex through that says to be old, but knows the sandbox of a new one', async (context) => {
    const made = await user(context);
    const patched = await check(await withProgram(made, 'echo codex-cli 0.42.0'));
    assert.equal(patched.ok && patched.value.version, '0.42.0');
    assert.match(patched.ok ? patched.value.notes.join() : '', /0\.169/);
  });

  test('takes the version of a Codex built from its sources, 0.0.0, for unknown', async (context) => {
    const made = await user(context);
    const built = await check(await withProgram(made, 'echo codex-cli 0.0.0-dev; [ "$1" = --version ]'));
    assert.equal(built.ok && built.value.version, null);
    assert.match(built.ok ? built.value.notes.join() : '', /version/);
  });

  test('ends what it started when it is aborted, and leaves nothing behind', async (context) => {
    const made = await user(context);
    const told = join(made.root, 'told');
    const settings = await withProgram(made, `sleep 600 & echo "$! $TMPDIR" > ${told}; wait`);
    const stop = new AbortController();
    const checked = check(settings, stop.signal);
    const words = async () => await readFile(told, 'utf8').catch(() => '');
    // Three looks write there: what is read later may be half of another's.
    let said = '';
    while (!said.endsWith('\n')) {
      await setTimeout(10);
      said = await words();
    }
    stop.abort();
    const ready = await checked;
    assert.equal(ready.ok && ready.value.sandbox, null);
    const [sleeper, temporary] = said.trim().split(' ') as [string, string];
    await assert.rejects(stat(temporary), { code: 'ENOENT' });
    await gone(Number(sleeper));
  });
});

describe('a look at Codex', () => {
  const module = new URL('../../src/agents/codex-exec.js', import.meta.url).href;

  test('ends with the daemon that looks, also where that is killed, and leaves no directory', {
    timeout: 120_000,
  }, async (context) => {
    const made = await user(context);
    const told = join(made.root, 'told');
    // Like a Codex that hangs, and hears of no closed pipe.
    const settings = await withProgram(made, `sleep 600 & echo "$$ $!" >>${told}; wait`);
    const looking = `
      import { codexExec } from ${JSON.stringify(module)};
      const [settings, stop] = [JSON.parse(process.argv[1]), new AbortController().signal];
      await Promise.all([codexExec().preflight(settings, stop), codexExec().account(settings, stop)]);`;
    const words = ['--input-type=module', '--eval', looking, JSON.stringify(settings)];
    const env = { ...process.env, TMPDIR: made.root };
    const daemon = spawn(process.execPath, words, { stdio: 'ignore', env });
    const pids = async () => (await readFile(told, 'utf8').catch(() => '')).match(/\d+(?=\s)/g) ?? [];
    context.after(async () => (await pids()).map(Number).forEach(endIfThere));
    while ((await pids()).length < 8) await setTimeout(10);
    daemon.kill('SIGKILL');
    for (const pid of await pids()) await gone(Number(pid));
    const left = async () => (await readdir(made.root)).filter((name) => name.startsWith('offshoot-codex-'));
    while ((await left()).length > 0) await setTimeout(10);
  });
});

function endIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // As it should be.
  }
}
