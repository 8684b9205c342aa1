import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { DatabaseSync } from '@photostructure/sqlite';
import { SCHEMA_VERSION } from '../../src/store/sqlite-schema.js';
import { newClient } from '../support/mcp-client.js';
import { commandLine, makeOffshoot, type Offshoot } from '../support/offshoot.js';

const environment = { OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: 'cat >task.txt' };
const storeOf = ({ stateDir }: Offshoot) => join(stateDir, 'jobs.sqlite');

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
