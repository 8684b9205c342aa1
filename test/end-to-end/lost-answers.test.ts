import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { until } from '../support/link-toys.js';
import { newClient } from '../support/mcp-client.js';
import { type Answer, commandLine, makeOffshoot, type Offshoot } from '../support/offshoot.js';

const execute = promisify(execFile);

describe('a call under way at a kill -9 of the daemon', () => {
  let offshoot: Offshoot;
  let connected: ReturnType<typeof newClient>;

  beforeEach(async () => {
    offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND: 'cat >task.txt; until [ -e "$HOME/go" ]; do sleep 0.02; done',
      },
    });
    await offshoot.start();
    connected = newClient();
    const bridge = { command: process.execPath, args: [commandLine, 'mcp'], env: offshoot.environment };
    await connected.connect(new StdioClientTransport({ ...bridge, cwd: offshoot.repository }));
  });
  afterEach(async () => {
    await connected.close();
    await run('stop', '--now');
    await offshoot.remove();
  });

  const call = async (name: string, input: Record<string, unknown>): Promise<Answer> =>
    (await connected.callTool({ name, arguments: input })).structuredContent;

  const run = (...words: string[]) =>
    execute(process.execPath, [commandLine, ...words], { env: offshoot.environment });

  const letGo = () => writeFile(join(offshoot.root, 'home/go'), '');

  const running = () => until(async () => (await offshoot.call('codex_status')).jobs.running === 1);

  /** The sockets that the daemon has open, each by a name that no later one has. */
  async function sockets(): Promise<string[]> {
    const descriptors = `/proc/${offshoot.pid()}/fd`;
    const names = await readdir(descriptors);
    const links = await Promise.all(names.map((name) => readlink(join(descriptors, name)).catch(() => '')));
    return links.filter((link) => link.startsWith('socket:'));
  }

  async function killThenLetGo(): Promise<void> {
    await offshoot.kill();
    // The next daemon answers, and goes on with the job.
    await call('codex_job_list', {});
    await letGo();
  }

  it('that starts a job and waits for it starts none beside it, and has its result', async () => {
    const delegated = call('codex_delegate', { task: 'once' });
    await running();
    await killThenLetGo();
    const { settled, status, files_total: files } = await delegated;
    assert.deepEqual([settled, status, files], [true, 'done', 1]);
    assert.equal((await call('codex_job_list', {})).jobs.length, 1);
  });

  it('leaves the client subscribed to what it was, and tells it once what may have changed meanwhile', async () => {
    const id = await offshoot.delegate('once');
    await running();
    const uri = `offshoot://jobs/${id}`;
    let tell = () => {};
    const told: string[] = [];
    connected.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      told.push(params.uri);
      tell();
    });
    await connected.subscribeResource({ uri });
    const seen = new Promise<void>((resolve) => {
      tell = resolve;
    });
    await offshoot.kill();
    await seen;
    const settled = new Promise<void>((resolve) => {
      tell = async () => {
        const { contents } = await connected.readResource({ uri });
        if (JSON.parse((contents[0] as { text: string }).text).status === 'done') resolve();
      };
    });
    await letGo();
    await settled;
    assert.deepEqual([...new Set(told)], [uri]);
  });

  it('that waits goes on waiting with the next daemon', async () => {
    const id = await offshoot.delegate('once');
    await running();
    const before = await sockets();
    const isNew = (socket: string) => !before.includes(socket);
    const inShell = run('wait', id, '--timeout-seconds', '50', '--json');
    await Promise.race([until(async () => (await sockets()).some(isNew)), inShell]);
    const waited = call('codex_job_wait', { job_ids: [id] });
    // Lines are read in turn: the call is under way once this is answered.
    await connected.ping();
    await killThenLetGo();
    for (const { jobs } of [await waited, JSON.parse((await inShell).stdout)])
      assert.equal(jobs[0].status, 'done');
  });
});
