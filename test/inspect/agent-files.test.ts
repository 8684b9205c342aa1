import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { it } from 'node:test';
import type { LogPlace } from '../../src/agents/log-entry.js';
import { readAgentLog } from '../../src/inspect/agent-log.js';
import { agentProcesses } from '../../src/inspect/processes.js';
import { attemptLayout } from '../../src/job/layout.js';
import { temporaryDirectory } from '../support/directory.js';

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

it('a log that is followed goes on behind an attempt that never wrote', async () => {
  const { path: stateDir, remove } = await temporaryDirectory();
  const jobId = 'a'.repeat(32);
  const files = attemptLayout(stateDir, jobId, 2);
  try {
    await mkdir(files.directory, { recursive: true });
    await writeFile(files.stdout, 'two\n');
    let looks = 0;
    const settled = () => looks++ >= 10;
    const { signal } = new AbortController();
    const request = { stateDir, jobId, backend: 'command', from: null, follow: true, signal };
    const looksBefore: number[] = [];
    await readAgentLog({ ...request, attempt: () => 2, settled }, async ({ text }) => {
      assert.equal(text, 'two');
      looksBefore.push(looks);
    });
    assert.equal(looksBefore.length, 1);
    assert.ok((looksBefore[0] ?? 10) < 10, 'it is told before the job has settled');
  } finally {
    await remove();
  }
});

/** Starts a program from another thread than its first, as Codex does, and tells its id. */
const SPAWNS_FROM_A_THREAD = `
const { Worker } = require('node:worker_threads');
const words = "const { spawn } = require('node:child_process'); console.log(spawn('sleep', ['60']).pid)";
new Worker(words, { eval: true });
`;

it('the processes of an agent include what its other threads have started', async () => {
  const { path: directory, remove } = await temporaryDirectory();
  const agent = spawn(process.execPath, ['-e', SPAWNS_FROM_A_THREAD], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [told] = await once(agent.stdout, 'data');
    const child = Number(told);
    try {
      const stat = await readFile(`/proc/${agent.pid}/stat`, 'utf8');
      await writeFile(`${directory}/process`, `${agent.pid}\ngroup\nboot\n${stat}`);
      const found = await agentProcesses(`${directory}/process`);
      assert.deepEqual(
        found.map(({ pid }) => pid),
        [agent.pid, child],
      );
      assert.equal(found[1]?.name, 'sleep');
    } finally {
      process.kill(child);
    }
  } finally {
    agent.kill();
    await remove();
  }
});
