import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scenarios } from '../../bench/scenarios.js';
import { noBrowser } from '../support/browser.js';
import { temporaryDirectory } from '../support/directory.js';

const commandLine = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

describe('offshoot bench', () => {
  let root: string;
  let temporary: string;
  let remove: () => Promise<void>;
  before(async () => {
    ({ path: root, remove } = await temporaryDirectory());
    temporary = join(root, 'tmp');
    await mkdir(temporary);
  });
  after(() => remove());

  /** Ends as the command did; nothing of this machine's configuration reaches it. */
  const bench = (...words: string[]) =>
    new Promise<{ code: number | string; stdout: string; stderr: string }>((resolve) => {
      const env = {
        PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
        HOME: root,
        TMPDIR: temporary,
      };
      execFile(
        process.execPath,
        [commandLine, 'bench', ...words],
        { env, cwd: root, maxBuffer: 2 ** 24 },
        (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
      );
    });

  it('lists every scenario, each with a name of its own and words on how it measures', async () => {
    const { code, stdout } = await bench('--list', '--json');
    assert.equal(code, 0);
    const listed = JSON.parse(stdout) as { name: string; title: string; describe: string }[];
    assert.deepEqual(
      listed.map(({ name }) => name),
      scenarios.map(({ name }) => name),
    );
    assert.equal(new Set(listed.map(({ name }) => name)).size, listed.length);
    assert.ok(listed.every(({ title, describe: text }) => title.length > 10 && text.length > 40));
  });

  it('takes parts of names, and refuses a name that no scenario has', async () => {
    const { stdout } = await bench('--list', 'sto', 'wake');
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
      ['store', 'wake'],
    );
    const refused = await bench('--list', 'nothing');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /No scenario has such a name/);
  });

  it('refuses a baseline that is none, before it measures', async () => {
    await writeFile(join(root, 'other.json'), '{}');
    const refused = await bench('--quick', '--baseline', 'other.json');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /not a file that --json wrote/);
  });

  it('measures through a real daemon, writes the page, compares with a baseline and leaves nothing behind', async () => {
    const names = ['job', 'stream', 'machine', 'inspect', 'store', 'drain', 'recover', 'wake'];
    const first = await bench('--quick', '--json', '--seed', '7', ...names);
    assert.equal(first.code, 0, first.stdout);
    const report = JSON.parse(first.stdout);
    assert.equal(report.seed, 7);
    assert.deepEqual(
      report.scenarios.map(({ name, failure }: { name: string; failure: string | null }) => [name, failure]),
      names.map((name) => [name, null]),
    );
    for (const { rows } of report.scenarios) assert.ok(rows.length > 0);

    await writeFile(join(root, 'before.json'), first.stdout);
    const second = await bench('--quick', '--report', '--baseline', 'before.json', 'machine');
    assert.equal(second.code, 0, second.stdout);
    assert.match(second.stdout, /Beside the baseline/);
    assert.match(second.stdout, /machine: lives, queued to done/);
    assert.deepEqual(await readdir(join(root, 'docs')), ['performance.md']);
    const page = await readFile(join(root, 'docs', 'performance.md'), 'utf8');
    assert.match(page, /^No target was judged\.$/m);
    assert.match(page, /^## Where the time goes\n[\s\S]*^### machine\n\n\| function \|/m);
    assert.doesNotMatch(page, /file:|node_modules/);
    assert.deepEqual(await readdir(temporary), []);
  });

  it('sets a run beside a baseline in JSON, too', async () => {
    const first = await bench('--quick', '--json', 'machine');
    await writeFile(join(root, 'first.json'), first.stdout);
    const second = await bench('--quick', '--json', '--seed', '3', '--baseline', 'first.json', 'machine');
    assert.equal(second.code, 0, second.stdout);
    const { scenarios: found, comparison } = JSON.parse(second.stdout);
    assert.deepEqual(comparison.differing, ['--seed']);
    assert.deepEqual(
      comparison.rows.map(({ name }: { name: string }) => name),
      found[0].rows.map(({ name }: { name: string }) => name),
    );
  });

  it('measures the page in a browser', { skip: noBrowser }, async () => {
    const { code, stdout } = await bench('--quick', '--runs', '1', '--json', 'page');
    assert.equal(code, 0, stdout);
    const [{ rows }] = JSON.parse(stdout).scenarios;
    assert.equal(rows.length, 4);
    assert.deepEqual(await readdir(temporary), []);
  });

  it('puts a peer beside us: any MCP server with the same tools, here our own bridge', async () => {
    const state = join(root, 'peer');
    const settings = `OFFSHOOT_STATE_DIR=${state} OFFSHOOT_BACKEND=command OFFSHOOT_COMMAND=true`;
    const program = `${process.execPath} ${commandLine}`;
    try {
      const { code, stdout } = await bench(
        '--quick',
        '--json',
        '--runs',
        '1',
        '--peer',
        `env ${settings} ${program} mcp`,
        'submit',
      );
      assert.equal(code, 0, stdout);
      const [{ rows }] = JSON.parse(stdout).scenarios;
      const beside = rows.filter((row: { beside: { name: string } | null }) => row.beside?.name === 'peer');
      assert.equal(beside.length, 2);
    } finally {
      await new Promise((resolve) =>
        execFile('/bin/sh', ['-c', `env ${settings} ${program} stop --now`], resolve),
      );
    }
  });
});
