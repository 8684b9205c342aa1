import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { it } from 'node:test';
import { readAgentLog } from '../../src/inspect/agent-log.js';
import { agentProcesses } from '../../src/inspect/processes.js';
import { attemptLayout } from '../../src/job/layout.js';
import { temporaryDirectory } from '../support/house.js';

it('named pipes in the place of the files of an agent are shown as empty, and nobody waits for them', async () => {
  const { path: stateDir, remove } = await temporaryDirectory();
  const jobId = 'a'.repeat(32);
  const files = attemptLayout(stateDir, jobId, 1);
  try {
    await mkdir(files.directory, { recursive: true });
    execFileSync('mkfifo', [files.stdout, files.process]);
    const request = { stateDir, jobId, backend: 'command', from: null, follow: false };
    const { signal } = new AbortController();
    const take = async () => assert.fail('There is nothing to read.');
    await readAgentLog({ ...request, signal, attempt: () => 1, settled: () => true }, take);
    assert.deepEqual(await agentProcesses(files.process), []);
  } finally {
    await remove();
  }
});
