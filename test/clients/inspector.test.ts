import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { run, say } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { ensureToken } from '../../src/http/tokens.js';
import { operations } from '../../src/operations/index.js';
import { commandLine, makeOffshoot, type Offshoot } from '../support/offshoot.js';

const execute = promisify(execFile);
const inspector = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector-cli/package.json')),
  'build',
);

/** The command line of the MCP Inspector: each run connects, asks one thing, and prints the answer. */
describe('the MCP Inspector as a client', () => {
  let model: ScriptedModel;
  let offshoot: Offshoot;
  before(async () => {
    model = await startScriptedModel(({ step }) =>
      step === 0 ? run('echo written > new.txt') : say('Edited.'),
    );
    offshoot = await makeOffshoot({ model, environment: { OFFSHOOT_HTTP: '127.0.0.1:0' } });
    await offshoot.start();
  });
  after(async () => {
    await offshoot.remove();
    await model.close();
  });

  const ways: Record<string, () => Promise<string[]>> = {
    stdio: async () => [process.execPath, commandLine, 'mcp'],
    HTTP: async () => [
      (await offshoot.call('codex_status')).daemon.http,
      '--header',
      `Authorization: Bearer ${ensureToken(offshoot.stateDir, 'default')}`,
    ],
  };
  for (const [name, server] of Object.entries(ways)) {
    describe(`over ${name}`, () => {
      const ask = async (method: string, ...words: string[]) => {
        const { stdout } = await execute(
          process.execPath,
          ['index.js', ...(await server()), '--method', method, ...words],
          // It looks for its own package.json from the directory that it is started in.
          { cwd: inspector, env: offshoot.environment },
        );
        return JSON.parse(stdout);
      };
      const call = (tool: string, input: Record<string, string>) => {
        const pairs = Object.entries(input).map(([key, value]) => `${key}=${value}`);
        return ask('tools/call', '--tool-name', tool, '--tool-arg', ...pairs);
      };

      it('lists the tools', async () => {
        const { tools } = await ask('tools/list');
        assert.deepEqual(
          tools.map(({ name }: { name: string }) => name),
          operations.map(({ tool }) => tool),
        );
      });

      it('hands over work, and reads its patch as a resource', async () => {
        const input = { task: 'edit', workspace_root: offshoot.repository, label: name };
        const { structuredContent: result } = await call('codex_delegate', input);
        assert.equal(result.status, 'done');
        const { resources } = await ask('resources/list');
        const patch = resources.find((resource: { name: string }) => resource.name === `${name}.patch`);
        const { contents } = await ask('resources/read', '--uri', patch.uri);
        assert.equal(contents[0].text, result.patch);
        assert.match(contents[0].text, /^\+written$/m);
      });

      it('shows a refusal as a result of the tool', async () => {
        const { isError, structuredContent } = await call('codex_job_status', { job_id: 'none' });
        assert.equal(isError, true);
        assert.equal(structuredContent.error.code, 'job_not_found');
      });
    });
  }
});
