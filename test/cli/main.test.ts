import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { explain } from '../../src/cli/answer.js';
import { refuse } from '../../src/errors.js';
import { lastingDirectory } from '../support/directory.js';

const entry = fileURLToPath(new URL('../../src/cli.js', import.meta.url));
const packageFile = fileURLToPath(new URL('../../../package.json', import.meta.url));
const home = lastingDirectory();

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n';

function offshoot(
  parameters: string[],
  environment: Record<string, string> = {},
  input = '',
  timeout = 120_000,
) {
  const env = { HOME: home, PATH: '/usr/bin:/bin', OFFSHOOT_STATE_DIR: join(home, 'state'), ...environment };
  return spawnSync(process.execPath, [entry, ...parameters], {
    env,
    encoding: 'utf8',
    input,
    timeout,
  });
}

describe('offshoot', () => {
  it('shows its help and that of a command', () => {
    for (const parameters of [['--help'], ['help'], ['-h']]) {
      const { status, stdout, stderr } = offshoot(parameters);
      assert.equal(status, 0);
      assert.match(stdout, /Usage: offshoot COMMAND/);
      assert.equal(stderr, '');
    }
    assert.equal(offshoot(['delegate', '--help']).stdout, offshoot(['help', 'delegate']).stdout);
  });

  it('shows its version', () => {
    const { version } = JSON.parse(readFileSync(packageFile, 'utf8'));
    assert.equal(offshoot(['--version']).stdout, `${version}\n`);
  });

  it('shows the settings with where they come from', () => {
    const shown = offshoot(['config'], { OFFSHOOT_MAX_RUNNING: '3' });
    assert.equal(shown.status, 0);
    assert.match(shown.stdout, /max_running = 3 +\[environment\] Agents at once/);
    assert.ok(!shown.stdout.includes('\u001b'));
    const { settings } = JSON.parse(offshoot(['config', '--json']).stdout);
    assert.ok(
      settings.some(
        (line: { key: string; source: string }) => line.key === 'backend' && line.source === 'default',
      ),
    );
  });

  it('says what to do where it may not open enough files to be loaded', () => {
    const words = ['-c', 'ulimit -n 40; exec "$0" "$1" config', process.execPath, entry];
    const env = { HOME: home, PATH: '/usr/bin:/bin', OFFSHOOT_STATE_DIR: join(home, 'state') };
    const { status, stderr } = spawnSync('/bin/sh', words, { env, encoding: 'utf8', input: '' });
    // Another Node may open fewer files at once.
    if (status === 0) return;
    assert.equal(status, 1);
    assert.match(stderr, /^offshoot: Too many files are open \(EMFILE\)\. Raise .*ulimit -n 1024.*\n$/);
  });

  it('says in a sentence what the system refuses it', () => {
    const { status, stderr } = offshoot(['demo'], { TMPDIR: join(home, 'nowhere') });
    assert.equal(status, 1);
    assert.match(stderr, /^offshoot: The system refused: ENOENT: .*nowhere.*\n$/);
  });

  it('refuses a file where its logs should be, in a sentence', () => {
    const stateDir = join(home, 'without-logs');
    mkdirSync(stateDir);
    writeFileSync(join(stateDir, 'logs'), '');
    for (const words of ['daemon', 'list']) {
      const { status, stderr } = offshoot([words], { OFFSHOOT_STATE_DIR: stateDir });
      assert.equal(status, 1);
      assert.match(stderr, /^(offshoot|error): The .*directory.* cannot be .*EEXIST/s);
      assert.ok(stderr.split('\n').length <= 4, stderr);
    }
  });

  it('refuses a state directory that can never be made, in a sentence and at once', () => {
    const impossible = { OFFSHOOT_STATE_DIR: '/proc/offshoot/state' };
    for (const words of ['daemon', 'list', 'token', 'doctor']) {
      const { status, stdout, stderr } = offshoot([words], impossible, '', 20_000);
      assert.equal(status, 1, words);
      assert.match(stderr + stdout, /directory.* cannot be (made|written)|ENOENT/s);
    }
  });

  it('tells a wrong setting and exits with 1', () => {
    const { status, stderr, stdout } = offshoot(['config'], { OFFSHOOT_MAX_RUNNING: 'many' });
    assert.equal(status, 1);
    assert.match(stderr, /OFFSHOOT_MAX_RUNNING/);
    assert.equal(stdout, '');
    const refused = offshoot(['config', '--json'], { OFFSHOOT_MAX_RUNNING: 'many' });
    assert.equal(refused.status, 1);
    assert.equal(JSON.parse(refused.stdout).error.code, 'invalid_config');
  });

  it('names a flag that does not fit as the setting that it is, whatever the environment has', () => {
    for (const http of ['', '127.0.0.1:0']) {
      const { status, stderr } = offshoot(['daemon', '--http', 'nowhere'], { OFFSHOOT_HTTP: http });
      assert.equal(status, 1);
      assert.match(stderr, /^offshoot: The value of the setting "http" is not valid: must be HOST:PORT/);
    }
  });

  it("tells an MCP client's log what keeps a daemon away, and what to do", () => {
    const { status, stderr } = offshoot(['mcp'], { OFFSHOOT_STATE_DIR: 'relative' }, ping);
    assert.equal(status, 0);
    assert.match(stderr, /^offshoot: .*OFFSHOOT_STATE_DIR.* Correct the named setting/);
  });

  it('ignores base directories that are no absolute path, as their specification says', () => {
    const empty = { OFFSHOOT_STATE_DIR: '', XDG_CONFIG_HOME: '', XDG_STATE_HOME: 'relative' };
    const { file, settings } = JSON.parse(offshoot(['config', '--json'], empty).stdout);
    assert.equal(file, join(home, '.config/offshoot/config.json'));
    const stateDir = settings.find(({ key }: { key: string }) => key === 'state_dir').value;
    assert.equal(stateDir, join(home, '.local/state/offshoot'));
  });

  it('asks whether a variable near to a setting was meant to be one, and leaves others alone', () => {
    const { status, stderr, stdout } = offshoot(['config'], {
      OFFSHOOT_MAX_RUNING: '3',
      OFFSHOOT_TOKEN: 'secret',
      OFFSHOOT_JOB_ID: 'id',
      OFFSHOOT_OF_ANOTHER: 'x',
      OFFSHOOT_: '',
    });
    assert.equal(status, 0);
    assert.equal(stderr, 'note: OFFSHOOT_MAX_RUNING is no setting; did you mean OFFSHOOT_MAX_RUNNING?\n');
    assert.match(stdout, /max_running = 16 +\[default\]/);
  });

  it('takes directories that stay warm with commas between, and none that leads elsewhere', () => {
    const shown = offshoot(['config'], { OFFSHOOT_WARM_PATHS: 'node_modules,tools/.cache' });
    assert.match(shown.stdout, /warm_paths = node_modules,tools\/\.cache\s+\[environment\]/);
    for (const wrong of ['/tmp', '../x', 'a//b', 'node_modules,', './x', 'x/.git']) {
      const { status, stderr } = offshoot(['config'], { OFFSHOOT_WARM_PATHS: wrong });
      assert.equal(status, 1, wrong);
      assert.match(stderr, /OFFSHOOT_WARM_PATHS is not valid: must be names or relative paths/);
    }
  });

  it('exits with 2 on wrong usage and names what was meant', () => {
    const wrong: [string[], RegExp][] = [
      [[], /Name a command/],
      [['delegat'], /did you mean delegate\?/],
      [['help', 'lst'], /did you mean list\?/],
      [['list', '--limt', '3'], /did you mean --limit\?/],
      [['list', '--limit', '900'], /limit: /],
      [['status'], /needs JOB/],
      [['status', 'a', 'b'], /more words/],
      [['status', '../x'], /job_id: /],
    ];
    for (const [parameters, expected] of wrong) {
      const { status, stdout, stderr } = offshoot(parameters);
      assert.equal(status, 2, parameters.join(' '));
      assert.match(stderr, expected);
      assert.equal(stdout, '');
    }
  });

  it('takes what stands behind -- for a word, and answers refusals in words of a shell', () => {
    const { status, stderr } = offshoot(['completion', '--', '--help']);
    assert.equal(status, 2);
    assert.match(stderr, /^error: The shell is one of/);
    const [words, tools] = ['Look into the log that `offshoot info` names', 'codex_'];
    const told = explain(refuse('internal_error').fault);
    assert.ok(told.includes(words) && !told.includes(tools));
  });

  it('says so when its output cannot be written, and is quiet when nobody reads it', () => {
    const full = openSync('/dev/full', 'w');
    const env = { HOME: home, PATH: '/usr/bin:/bin' };
    const refused = spawnSync(process.execPath, [entry, '--help'], {
      env,
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    assert.equal(refused.status, 1);
    assert.equal(refused.stderr, 'error: Standard output cannot be written (ENOSPC).\n');
    const words = ['-c', '"$1" "$2" --help | true', 'shell', process.execPath, entry];
    assert.equal(spawnSync('/bin/sh', words, { env, encoding: 'utf8' }).stderr, '');
  });

  it('tells wrong arguments as JSON where JSON was asked for', () => {
    for (const parameters of [
      ['list', '--limit', '900'],
      ['wait', '../x'],
      ['delegate', 'x', '--priority', '99'],
    ]) {
      const { status, stdout, stderr } = offshoot([...parameters, '--json']);
      assert.deepEqual([status, stderr], [2, '']);
      assert.equal(JSON.parse(stdout).error.details.fields.length, 1);
    }
    for (const parameters of [
      ['status'],
      ['list', '--nope'],
      ['list', '--limit', 'many'],
      ['list', 'x', 'y'],
    ]) {
      const { status, stdout, stderr } = offshoot([...parameters, '--json']);
      assert.deepEqual([status, stderr], [2, '']);
      assert.equal(JSON.parse(stdout).error.code, 'invalid_arguments');
    }
    assert.equal(offshoot(['patch', '--json']).stdout, '', 'a command without JSON');
    assert.equal(offshoot(['list', '--nope', '--', '--json']).stdout, '', 'a word');
  });

  it('leaves the screen of watch before it says why there is nothing to watch', () => {
    const terminal = 'Object.assign(process.stdout, { isTTY: true, hasColors: () => false })';
    const all = openSync(join(home, 'screen'), 'w+');
    const { status } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${terminal}`, entry, 'watch'],
      {
        env: { HOME: home, PATH: '/usr/bin:/bin', OFFSHOOT_MAX_RUNNING: 'many' },
        stdio: ['ignore', all, all],
        timeout: 120_000,
      },
    );
    closeSync(all);
    const [entered, left, told] = ['\x1b[?1049h', '\x1b[?1049l', 'error: '].map((part) =>
      readFileSync(join(home, 'screen'), 'utf8').indexOf(part),
    ) as [number, number, number];
    assert.equal(status, 1);
    assert.ok(0 <= entered && entered < left && left < told);
  });

  it('says that no daemon runs when there is none to stop', () => {
    const { status, stdout } = offshoot(['stop']);
    assert.equal(status, 0);
    assert.equal(stdout, 'No daemon runs.\n');
  });
});
