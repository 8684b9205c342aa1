import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { it } from 'node:test';
import type { LogPlace } from '../../src/agents/log-entry.js';
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

it('a log that is read again from the place behind an entry goes on with the next one', async () => {
  const { path: stateDir, remove } = await temporaryDirectory();
  const jobId = 'a'.repeat(32);
  const outputs = ['one\nzwölf\n\nthree', '', 'four\n'];
  const read = async (from: LogPlace | null) => {
    const found: { text: string; id: string; next: LogPlace }[] = [];
    const { signal } = new AbortController();
    const request = { stateDir, jobId, backend: 'command', from, follow: true, signal };
    await readAgentLog({ ...request, attempt: () => outputs.length, settled: () => true }, async (entry) => {
      found.push(entry);
    });
    return found;
  };
  try {
    for (const [index, output] of outputs.entries()) {
      const files = attemptLayout(stateDir, jobId, index + 1);
      await mkdir(files.directory, { recursive: true });
      await writeFile(files.stdout, output);
    }
    const all = await read(null);
    assert.deepEqual(
      all.map(({ text }) => text),
      ['one', 'zwölf', 'three', 'four'],
    );
    for (const [index, { next }] of all.entries()) assert.deepEqual(await read(next), all.slice(index + 1));
  } finally {
    await remove();
  }
});
