import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { callTool, run, say } from '../../src/demo/reply.js';
import { providerConfig, type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { ensureToken } from '../../src/http/tokens.js';
import { commandLine, makeOffshoot, type Offshoot } from '../support/offshoot.js';

const execute = promisify(execFile);

/** The Codex CLI as a client of Offshoot: its model hands over work to another Codex, and reads what came back. */
describe('the Codex CLI as an MCP client', () => {
  let model: ScriptedModel;
  let offshoot: Offshoot;
  before(async () => {
    model = await startScriptedModel(({ task, step }) => {
      if (task === 'edit') return step === 0 ? run('echo written > new.txt') : say('Edited.');
      const input = { task: 'edit', workspace_root: offshoot.repository };
      return step === 0 ? callTool('offshoot', 'codex_delegate', input) : say('Reviewed.');
    });
    offshoot = await makeOffshoot({ model, environment: { OFFSHOOT_HTTP: '127.0.0.1:0' } });
    await offshoot.start();
  });
  after(async () => {
    await offshoot.remove();
    await model.close();
  });

  /** Runs `codex exec` with Offshoot configured as a client's user would; answers what its model was given. */
  async function runCodex(name: string, server: readonly string[], more: Record<string, string> = {}) {
    const home = join(offshoot.root, name);
    await mkdir(home);
    const config = [
      providerConfig(model.url, 'TEST_MODEL_KEY', 0),
      '[mcp_servers.offshoot]',
      ...server,
      'required = true',
      'default_tools_approval_mode = "approve"',
      '',
    ];
    await writeFile(join(home, 'config.toml'), config.join('\n'));
    const running = execute(
      offshoot.environment.OFFSHOOT_CODEX_PATH ?? '',
      ['exec', '--json', '--skip-git-repo-check', name],
      { cwd: offshoot.repository, env: { ...offshoot.environment, ...more, CODEX_HOME: home } },
    );
    running.child.stdin?.end();
    await running;
    const [answer] = (await model.requested(2, name)).outputs;
    return answer ?? '';
  }

  it('hands over work and gets a patch, through the bridge', async () => {
    const { PATH, HOME, OFFSHOOT_STATE_DIR } = offshoot.environment;
    const answer = await runCodex('over stdio', [
      `command = ${JSON.stringify(process.execPath)}`,
      `args = ${JSON.stringify([commandLine, 'mcp'])}`,
      `env = { PATH = "${PATH}", HOME = "${HOME}", OFFSHOOT_STATE_DIR = "${OFFSHOOT_STATE_DIR}" }`,
    ]);
    assert.match(answer, /\+written/);
    assert.match(answer, /Edited\./);
  });

  it('hands over work and gets a patch, over HTTP', async () => {
    const url = (await readFile(join(offshoot.stateDir, 'http'), 'utf8')).trim();
    assert.equal((await offshoot.call('codex_status')).daemon.http, url);
    const token = ensureToken(offshoot.stateDir, 'default');
    const answer = await runCodex(
      'over HTTP',
      [`url = "${url}"`, 'bearer_token_env_var = "OFFSHOOT_TOKEN"'],
      { OFFSHOOT_TOKEN: token },
    );
    assert.match(answer, /\+written/);
    assert.match(answer, /Edited\./);
  });
});
