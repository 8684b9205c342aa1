import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { DatabaseSync } from '@photostructure/sqlite';
import { SCHEMA_VERSION } from '../../src/store/sqlite-schema.js';
import { appears } from '../support/git-gate.js';
import { newClient } from '../support/mcp-client.js';
import { commandLine, leavesNothing, makeOffshoot, type Offshoot } from '../support/offshoot.js';

const environment = { OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: 'cat >task.txt' };
const storeOf = ({ stateDir }: Offshoot) => join(stateDir, 'jobs.sqlite');

/** A store whose daemon was killed, with a job that is done and one whose agent works. */
async function withJobs(use: (offshoot: Offshoot, done: string, running: string) => Promise<void>) {
  const offshoot = await makeOffshoot({
    environment: {
      OFFSHOOT_BACKEND: 'command',
      OFFSHOOT_COMMAND:
        'cat >task.txt; grep -q done task.txt || { : >"$HOME/started"; until [ -e "$HOME/go" ]; do sleep 0.02; done; }',
    },
  });
  try {
    await offshoot.start();
    const done = await offshoot.delegate('be done');
    await offshoot.result(done);
    const running = await offshoot.delegate('stay');
    await appears(join(offshoot.root, 'home'), 'started');
    await offshoot.reach(running, 'running');
    await offshoot.kill();
    // What is in the log moves to the file itself.
    const database = new DatabaseSync(storeOf(offshoot));
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    await use(offshoot, done, running);
  } finally {
    await offshoot.remove();
  }
}

/** The agent has been alive all the time, and its job ends well. */
async function goesOn(offshoot: Offshoot, jobId: string): Promise<void> {
  await offshoot.reach(jobId, 'running');
  await writeFile(join(offshoot.root, 'home', 'go'), '');
  const { status, patch } = await offshoot.result(jobId);
  assert.equal(status, 'done');
  assert.match(patch.toString(), /stay/);
  await leavesNothing(offshoot);
}

/** What `offshoot doctor` says of jobs that the store does not know. */
async function unknownJobs({ environment }: Offshoot) {
  const { findings } = JSON.parse(await runCommand(['doctor', '--json'], environment));
  return findings.find(({ name }: { name: string }) => name === 'jobs');
}

/** Runs the command line; answers all that it printed. */
const runCommand = (words: string[], env: Record<string, string>) =>
  new Promise<string>((resolve) => {
    execFile(process.execPath, [commandLine, ...words], { env }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });

describe('a store at the start of a daemon', { concurrency: 2 }, () => {
  it('that is damaged is set aside with its path in the log and in codex_status, and a fresh one serves', async () => {
    const offshoot = await makeOffshoot({ environment });
    try {
      await mkdir(offshoot.stateDir, { mode: 0o700 });
      const damaged = 'no database '.repeat(1_000);
      await writeFile(storeOf(offshoot), damaged);
      await offshoot.start();
      const { notes } = await offshoot.call('codex_status');
      const path = /set aside as (\S+),/.exec(notes.join('\n'))?.[1] ?? '';
      assert.ok(path.startsWith(`${storeOf(offshoot)}.damaged-`), notes.join('\n'));
      assert.equal(await readFile(path, 'utf8'), damaged);
      assert.equal((await offshoot.result(await offshoot.delegate('go on'))).status, 'done');
      await offshoot.kill();
      assert.ok((await readFile(join(offshoot.stateDir, 'logs', 'daemon.log'), 'utf8')).includes(path));
      // It is told of as long as the file is there.
      await offshoot.start();
      assert.match((await offshoot.call('codex_status')).notes.join('\n'), /set aside as/);
    } finally {
      await offshoot.remove();
    }
  });

  it('that is not the one before takes nothing from that one: patches, agents and slots are there when it is back', () =>
    withJobs(async (offshoot, done, running) => {
      const aside = join(offshoot.root, 'aside');
      await cp(storeOf(offshoot), aside);
      const damaged = await open(storeOf(offshoot), 'r+');
      await damaged.write(Buffer.alloc(4_096, 'x'), 0, 4_096, 0);
      await damaged.close();
      // The second daemon is told of no damage any more.
      for (const _ of ['first', 'second']) {
        await offshoot.start();
        assert.deepEqual((await offshoot.call('codex_job_list')).jobs, []);
        assert.deepEqual(await offshoot.slots(), [running]);
        await offshoot.kill();
      }
      const { found, mend } = await unknownJobs(offshoot);
      assert.match(found, /^2 jobs that the store does not know .* replaced, or the machine lost power as/);
      assert.ok(mend.includes(done) && mend.includes(running));
      await cp(aside, storeOf(offshoot));
      for (const end of ['-wal', '-shm']) await rm(`${storeOf(offshoot)}${end}`, { force: true });
      await offshoot.start();
      assert.match((await offshoot.result(done)).patch.toString(), /be done/);
      assert.equal(await unknownJobs(offshoot), undefined);
      await goesOn(offshoot, running);
    }));

  it('that holds a record that cannot be read takes nothing from its job', () =>
    withJobs(async (offshoot, _, running) => {
      const swap = (from: string, to: string) => {
        const database = new DatabaseSync(storeOf(offshoot));
        database.prepare('UPDATE job SET record = replace(record, ?, ?) WHERE id = ?').run(from, to, running);
        database.close();
      };
      swap('"running"', '"runnxng"');
      await offshoot.start();
      assert.deepEqual(await offshoot.slots(), [running]);
      await offshoot.kill();
      swap('"runnxng"', '"running"');
      await offshoot.start();
      await goesOn(offshoot, running);
    }));

  it('that a newer Offshoot made is refused over MCP and on the command line, with what to do', async () => {
    const offshoot = await makeOffshoot({ environment });
    try {
      await mkdir(offshoot.stateDir, { mode: 0o700 });
      const database = new DatabaseSync(storeOf(offshoot));
      database.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
      database.close();
      const before = await readFile(storeOf(offshoot));
      const client = newClient({});
      const transport = new StdioClientTransport({
        command: process.execPath,
        args: [commandLine, 'mcp'],
        env: offshoot.environment,
        stderr: 'ignore',
      });
      const refusal = await client.connect(transport).then(
        () => assert.fail('It was served.'),
        (error) => error,
      );
      await client.close();
      const words = `${refusal.message} ${JSON.stringify(refusal.data)}`;
      for (const said of [words, await runCommand(['info'], offshoot.environment)]) {
        assert.match(said, /made by a newer Offshoot/);
        assert.match(said, /Install the newest Offshoot/);
      }
      assert.deepEqual(await readFile(storeOf(offshoot)), before);
    } finally {
      await offshoot.remove();
    }
  });
});
