import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { lastingDirectory } from '../support/directory.js';
import { temporaryRepository } from '../support/operations.js';

const entry = fileURLToPath(new URL('../../src/cli.js', import.meta.url));
const home = lastingDirectory();
const repository = temporaryRepository();

/** The agent changes a file in bytes that are not UTF-8, and goes on for as long as the task says. */
const env = {
  HOME: home,
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  OFFSHOOT_STATE_DIR: join(home, 'state'),
  OFFSHOOT_BACKEND: 'command',
  OFFSHOOT_COMMAND: 'read seconds; sleep "$seconds"; printf "caf\\351\\n" > menu.txt; echo served',
};

const offshoot = (parameters: string[], input: string | Buffer = '') =>
  spawnSync(process.execPath, [entry, ...parameters], { env, cwd: repository, input, timeout: 120_000 });

describe('offshoot delegate', () => {
  // Before the directories go: those are removed when the whole file is done.
  after(() => {
    const gone = () => offshoot(['stop', '--now']).stdout.toString() === 'No daemon runs.\n';
    for (let looks = 0; !gone() && looks < 50; looks += 1);
  });

  it('waits for the job, shows what changed, and the patch applies byte for byte', () => {
    const delegated = offshoot(['delegate', '0\n', '--label', 'breakfast']);
    const shown = delegated.stdout.toString();
    assert.equal(delegated.status, 0, delegated.stderr.toString());
    assert.match(shown, /done {2}breakfast\n\nserved\n\n menu\.txt \| \+1 -0\n/);
    const id = shown.slice(0, 32);
    const patch = offshoot(['patch', id]);
    assert.ok(patch.stdout.includes(Buffer.from([0x2b, 0x63, 0x61, 0x66, 0xe9, 0x0a])));
    const check = spawnSync('git', ['apply', '--check', '-'], { cwd: repository, input: patch.stdout });
    assert.equal(check.status, 0, check.stderr.toString());
    const consumed = offshoot(['consume', id]);
    assert.ok(consumed.stdout.equals(patch.stdout));
    assert.equal(offshoot(['status', id]).status, 1);
  });

  it('prints only the id in the background, and the job can be listed and cancelled', () => {
    const id = offshoot(['delegate', '--background'], '60\n').stdout.toString().trim();
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.ok(offshoot(['list']).stdout.includes(id));
    assert.equal(offshoot(['cancel', id]).status, 0);
    const waited = offshoot(['wait', id]);
    assert.equal(waited.status, 1);
    assert.match(waited.stdout.toString(), /cancelled/);
    assert.equal(offshoot(['wait', '--group-id', 'misspelt', '--mode', 'all']).status, 1);
    assert.equal(JSON.parse(offshoot(['result', id, '--json']).stdout.toString()).error.code, 'cancelled');
  });

  it('leaves the job running on Ctrl-C and says how to get back to it', async () => {
    const waiting = spawn(process.execPath, [entry, 'delegate', '60\n', '--label', 'left'], {
      env,
      cwd: repository,
    });
    let told = '';
    waiting.stderr.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    const ended = once(waiting, 'exit');
    const listed = () => JSON.parse(offshoot(['list', '--label', 'left', '--json']).stdout.toString()).jobs;
    let jobs = listed();
    for (let looks = 0; jobs.length === 0 && looks < 100; looks += 1) jobs = listed();
    waiting.kill('SIGINT');
    assert.deepEqual(await ended, [1, null]);
    const id = jobs[0].job_id;
    assert.ok(told.includes(`offshoot wait ${id}`));
    const { stopping } = JSON.parse(offshoot(['status', id, '--json']).stdout.toString());
    assert.equal(stopping, null);
    offshoot(['cancel', id]);
    assert.equal(offshoot(['wait', id]).status, 1);
  });
});
