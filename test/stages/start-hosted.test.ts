import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { it } from 'node:test';
import type { HostedLaunch } from '../../src/agents/agent.js';
import { refuse } from '../../src/errors.js';
import { processLayout, stateLayout } from '../../src/job/layout.js';
import { startHosted } from '../../src/stages/start-hosted.js';
import { temporaryDirectory } from '../support/directory.js';

it('a host that ended, and that another thread replaces and removes meanwhile, is not started again', async () => {
  const { path: stateDir, remove } = await temporaryDirectory();
  const { hosts } = stateLayout(stateDir);
  const first = join(hosts, 'kind-1');
  await mkdir(first, { recursive: true });
  const asked = createServer(async (socket) => {
    await mkdir(join(hosts, 'kind-2'));
    await rm(first, { recursive: true });
    socket.destroy();
  }).listen(join(first, 'socket'));
  try {
    const started: string[] = [];
    const launch = {
      hostKind: 'kind',
      job: {},
      launchHost: async (host: string) => {
        started.push(basename(host));
        return refuse('agent_not_started');
      },
    } as unknown as HostedLaunch;
    const files = processLayout(join(stateDir, 'attempt'));
    const start = { stateDir, jobId: 'a'.repeat(32), files, directory: stateDir, view: [], deadlineAt: 0 };
    await startHosted(start, launch);
    assert.deepEqual(started, ['kind-2']);
  } finally {
    asked.close();
    await remove();
  }
});
