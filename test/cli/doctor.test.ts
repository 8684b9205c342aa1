import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { commandLine, makeOffshoot } from '../support/offshoot.js';

const execute = promisify(execFile);

describe('offshoot doctor', () => {
  let home: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'offshoot-'));
  });
  after(() => rm(home, { recursive: true, force: true }));

  const COMMAND = { OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: 'true' };
  async function doctor(environment: Record<string, string>, ...words: string[]) {
    const state = join(home, environment.OFFSHOOT_STATE_DIR ?? 'state');
    const env = { HOME: home, PATH: process.env.PATH, ...environment, OFFSHOOT_STATE_DIR: state };
    const ran = execute(process.execPath, [commandLine, 'doctor', ...words], { env });
    return ran.then(
      ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
      ({ stdout, stderr, code }: { stdout: string; stderr: string; code: number }) => ({
        stdout,
        stderr,
        code,
      }),
    );
  }
  const findings = async (environment: Record<string, string>) => {
    const { stdout, code } = await doctor(environment, '--json');
    const answer = JSON.parse(stdout);
    assert.equal(answer.ready, code === 0);
    return new Map<string, { level: string; found: string; mend: string | null }>(
      answer.findings.map((finding: { name: string }) => [finding.name, finding]),
    );
  };

  it('says that jobs can run where nothing lacks, and starts no daemon', async () => {
    const { stdout, code } = await doctor(COMMAND);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ok git: \d+\.\d+/m);
    assert.match(stdout, /Jobs can run\.\n$/);
    const info = execute(process.execPath, [commandLine, 'stop'], {
      env: { HOME: home, PATH: process.env.PATH, OFFSHOOT_STATE_DIR: join(home, 'state') },
    });
    assert.match((await info).stdout, /no daemon/i);
  });

  it('says of each thing that lacks how to mend it, and once mended is content', async () => {
    const lacking = await findings({ OFFSHOOT_BACKEND: 'command' });
    assert.equal(lacking.get('agent (command)')?.level, 'problem');
    assert.match(lacking.get('agent (command)')?.mend ?? '', /OFFSHOOT_COMMAND/);
    assert.equal((await findings(COMMAND)).get('agent (command)')?.level, 'ok');
  });

  it('misses Codex and git on an empty PATH', async () => {
    const found = await findings({ PATH: join(home, 'nothing') });
    assert.match(found.get('git')?.mend ?? '', /install git/);
    assert.match(found.get('agent (codex-exec)')?.mend ?? '', /npm install -g @openai\/codex/);
  });

  it('says that others can read the state directory, with the command that mends it', async () => {
    await mkdir(join(home, 'open'));
    await chmod(join(home, 'open'), 0o755);
    const open = (await findings({ ...COMMAND, OFFSHOOT_STATE_DIR: 'open' })).get('state directory');
    assert.equal(open?.level, 'warning');
    await execute('sh', ['-c', open?.mend ?? 'false']);
    const mended = (await findings({ ...COMMAND, OFFSHOOT_STATE_DIR: 'open' })).get('state directory');
    assert.equal(mended?.level, 'ok');
  });

  it('names a state directory that cannot be made', async () => {
    await writeFile(join(home, 'file'), '');
    const impossible = await findings({ ...COMMAND, OFFSHOOT_STATE_DIR: 'file/state' });
    assert.match(impossible.get('state directory')?.mend ?? '', /OFFSHOOT_STATE_DIR/);
  });

  it('names a variable that is near to a setting once, and lets jobs run', async () => {
    const misspelt = { ...COMMAND, OFFSHOOT_BAKEND: 'command' };
    assert.ok(!(await doctor(misspelt)).stderr.includes('OFFSHOOT_BAKEND'));
    const found = await findings(misspelt);
    assert.deepEqual(found.get('environment'), {
      name: 'environment',
      level: 'warning',
      found: 'OFFSHOOT_BAKEND is no setting',
      mend: 'Set OFFSHOOT_BACKEND instead, if that was meant.',
    });
  });

  it('names the settings that the daemon was started without, as codex_status does', async () => {
    const offshoot = await makeOffshoot({ environment: { ...COMMAND, OFFSHOOT_MAX_RUNNING: '3' } });
    const run = async (environment: Record<string, string>, ...words: string[]) => {
      const env = { ...offshoot.environment, ...environment };
      return JSON.parse((await execute(process.execPath, [commandLine, ...words, '--json'], { env })).stdout);
    };
    const told = async (environment: Record<string, string>) => {
      const { findings } = await run(environment, 'doctor');
      const { notes } = await run(environment, 'info');
      return [findings.find(({ name }: { name: string }) => name === 'daemon'), notes];
    };
    try {
      await offshoot.start();
      const [same, usual] = await told({});
      assert.deepEqual([same.level, usual.length], ['ok', 1]);

      const [other, notes] = await told({ OFFSHOOT_MAX_RUNNING: '4', OFFSHOOT_MODEL: 'm' });
      assert.equal(other.level, 'warning');
      assert.match(other.found, /was started with other settings: max_running, model$/);
      assert.match(other.mend, /`offshoot stop`/);
      assert.match(notes[1], /: max_running, model\. After `offshoot stop`/);

      await mkdir(join(offshoot.root, 'home/.config/offshoot'), { recursive: true });
      await writeFile(join(offshoot.root, 'home/.config/offshoot/config.json'), '{"max_depth": 2}');
      assert.match((await told({}))[0].found, /other settings: max_depth$/);
    } finally {
      await offshoot.remove();
    }
  });

  it('names a setting that does not fit', async () => {
    const found = await findings({ ...COMMAND, OFFSHOOT_MAX_RUNNING: 'many' });
    assert.match(found.get('settings')?.found ?? '', /OFFSHOOT_MAX_RUNNING/);
  });
});
