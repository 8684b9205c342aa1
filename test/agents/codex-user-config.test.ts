import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type CodexUserConfig, emptyUserConfig, readUserConfig } from '../../src/agents/codex-user-config.js';

let home: string;
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'offshoot-'));
});
after(() => rm(home, { recursive: true, force: true }));

async function read(text: string): Promise<CodexUserConfig> {
  await writeFile(join(home, 'config.toml'), text);
  return readUserConfig(home);
}

describe('the config.toml of the user', () => {
  test('names the variables that providers and MCP servers read', async () => {
    const { credentials } = await read(`
      [model_providers.one]
      env_key = "ONE_KEY"
      env_http_headers = { x-project = "ONE_PROJECT" }
      [mcp_servers.two]
      bearer_token_env_var = "TWO_TOKEN"
      env_vars = ["TWO_LEVEL", 3]
      env_http_headers = { x-two = "TWO_HEADER" }
    `);
    assert.deepEqual(credentials, ['ONE_KEY', 'ONE_PROJECT', 'TWO_TOKEN', 'TWO_HEADER', 'TWO_LEVEL']);
  });

  test('names what the user keeps from commands', async () => {
    const { excluded } = await read('[shell_environment_policy]\nexclude = ["AWS_*", "AZURE_*"]\n');
    assert.deepEqual(excluded, ['AWS_*', 'AZURE_*']);
  });

  test('is laid under the profile that is named', async () => {
    await writeFile(
      join(home, 'other.config.toml'),
      'model_provider = "own"\n[model_providers.own]\nenv_key = "OWN_KEY"\n[shell_environment_policy]\nexclude = ["B_*"]\n',
    );
    await read('model_provider = "openai"\n[shell_environment_policy]\nexclude = ["A_*"]\n[projects."/p"]\n');
    assert.deepEqual(await readUserConfig(home, 'other'), {
      credentials: ['OWN_KEY'],
      excluded: ['A_*', 'B_*'],
      projects: ['/p'],
      ownProcess: false,
      ownProvider: true,
    });
    assert.equal((await readUserConfig(home)).ownProvider, false);
  });

  test('tells whether the model is asked without a login at OpenAI', async () => {
    const ownProvider = async (text: string) => (await read(text)).ownProvider;
    assert.equal(await ownProvider(''), false);
    assert.equal(await ownProvider('model_provider = "openai"'), false);
    assert.equal(await ownProvider('[model_providers.own]\nenv_key = "K"'), false);
    assert.equal(await ownProvider('model_provider = "own"\n[model_providers.own]\nenv_key = "K"'), true);
    assert.equal(await ownProvider('model_provider = "ollama"'), true);
    assert.equal(
      await ownProvider('model_provider = "proxy"\n[model_providers.proxy]\nrequires_openai_auth = true'),
      false,
    );
  });

  test('tells nothing when it is absent, broken or of odd types', async () => {
    await rm(join(home, 'config.toml'), { force: true });
    assert.deepEqual(await readUserConfig(home), emptyUserConfig);
    assert.deepEqual(await read('= not TOML ['), emptyUserConfig);
    assert.deepEqual(
      await read(
        'model_provider = 7\nmodel_providers = [1]\nmcp_servers = "x"\nshell_environment_policy = 1\n',
      ),
      emptyUserConfig,
    );
    assert.deepEqual((await read('[model_providers.x]\nenv_key = "BAD NAME*"\n')).credentials, []);
  });
});
