import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { DEFAULT_TOKEN_NAME, ensureToken } from '../../src/http/tokens.js';
import { socketPath } from '../../src/ipc/socket-path.js';
import { connectOverHttp } from '../support/http.js';
import { until } from '../support/link-toys.js';
import { connectClient } from '../support/mcp-client.js';
import { type Answer, commandLine, makeOffshoot, type Offshoot } from '../support/offshoot.js';

const execute = promisify(execFile);

describe('offshoot stop', () => {
  const broken: Record<string, (offshoot: Offshoot) => Promise<Record<string, string>>> = {
    'a setting that does not fit': async () => ({ OFFSHOOT_MAX_RUNNING: 'many' }),
    'a configuration file that is no JSON': async ({ root }) => {
      await mkdir(join(root, 'home/.config/offshoot'), { recursive: true });
      await writeFile(join(root, 'home/.config/offshoot/config.json'), '{');
      return {};
    },
  };
  for (const [what, breakIt] of Object.entries(broken)) {
    it(`stops the daemon in spite of ${what}, and says what is wrong`, async () => {
      const offshoot = await makeOffshoot({
        environment: { OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: 'true' },
      });
      try {
        await offshoot.start();
        const ended = offshoot.ended();
        const env = { ...offshoot.environment, ...(await breakIt(offshoot)) };
        const { stdout, stderr } = await execute(process.execPath, [commandLine, 'stop'], { env });
        assert.equal(stdout, 'The daemon has stopped.\n');
        assert.match(stderr, /^note: No daemon can be started now: .*(OFFSHOOT_MAX_RUNNING|config\.json)/);
        assert.deepEqual(await ended, [0, null]);
      } finally {
        await offshoot.remove();
      }
    });
  }

  it('has the next daemon serve what comes after it, though someone waits for a queued job', async () => {
    const offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND: 'cat >task.txt; until [ -e "$HOME/go" ]; do sleep 0.02; done',
        OFFSHOOT_MAX_RUNNING: '1',
      },
    });
    const { environment: env, repository, root } = offshoot;
    const run = (...words: string[]) =>
      execute(process.execPath, [commandLine, ...words], { env, cwd: repository });
    try {
      await offshoot.start();
      const ended = offshoot.ended();
      const work = { task: 'once', workspace_root: repository };
      await offshoot.call('codex_delegate_async', work);
      const { job_id } = await offshoot.call('codex_delegate_async', work);
      const waiting = offshoot
        .call('codex_job_wait', { job_ids: [job_id], timeout_seconds: 50 })
        .catch(() => null);
      const stopped = run('stop');
      await until(async () => (await offshoot.call('codex_status')).daemon.draining);
      await writeFile(join(root, 'home/go'), '');
      assert.equal((await stopped).stdout, 'The daemon has stopped.\n');
      const { status } = JSON.parse((await run('delegate', 'again', '--json')).stdout);
      assert.equal(status, 'done');
      assert.deepEqual(await ended, [0, null]);
      await waiting;
    } finally {
      await run('stop');
      await offshoot.remove();
    }
  });

  describe('while others wait for the last job', () => {
    /** Answers whether the job was settled, and its patch told, once it has been told to end. */
    const waits: Record<string, (offshoot: Offshoot, go: () => Promise<void>) => Promise<Answer>> = {
      'over the socket': (offshoot, go) =>
        throughMcp(() => connectClient(socketPath(offshoot.stateDir)), offshoot, go),
      'over HTTP': async (offshoot, go) => {
        const url = (await offshoot.call('codex_status')).daemon.http;
        const token = ensureToken(offshoot.stateDir, DEFAULT_TOKEN_NAME);
        return throughMcp(async () => (await connectOverHttp({ url, token })).client, offshoot, go);
      },
      'on the command line': async (offshoot, go) => {
        const { environment: env, repository: cwd } = offshoot;
        const delegated = execute(process.execPath, [commandLine, 'delegate', 'once', '--json'], {
          env,
          cwd,
        });
        await go();
        return JSON.parse((await delegated).stdout);
      },
    };

    async function throughMcp(
      connect: () => Promise<Client>,
      { repository }: Offshoot,
      go: () => Promise<void>,
    ): Promise<Answer> {
      const client = await connect();
      const work = { task: 'once', workspace_root: repository };
      const delegated = client.callTool({ name: 'codex_delegate', arguments: work });
      await Promise.race([go(), delegated]);
      const { structuredContent } = await delegated.finally(() => client.close());
      return structuredContent;
    }

    for (const [how, wait] of Object.entries(waits)) {
      it(`lets the daemon leave only when who waits ${how} has the result`, async () => {
        const offshoot = await makeOffshoot({
          environment: {
            OFFSHOOT_BACKEND: 'command',
            OFFSHOOT_COMMAND: 'cat >task.txt; until [ -e "$HOME/go" ]; do sleep 0.02; done',
            OFFSHOOT_HTTP: '127.0.0.1:0',
          },
        });
        try {
          await offshoot.start();
          const ended = offshoot.ended();
          const answer = await wait(offshoot, async () => {
            await until(async () => (await offshoot.call('codex_status')).jobs.running === 1);
            const stopped = offshoot.call('daemon.stop', { now: false });
            await until(async () => (await offshoot.call('codex_status')).daemon.draining);
            await writeFile(join(offshoot.root, 'home/go'), '');
            await stopped;
          });
          assert.deepEqual([answer.status, answer.files_total], ['done', 1]);
          assert.deepEqual(await ended, [0, null]);
        } finally {
          // The command line asks for the result a moment later, if need be the next daemon.
          await execute(process.execPath, [commandLine, 'stop'], { env: offshoot.environment });
          await offshoot.remove();
        }
      });
    }
  });
});
