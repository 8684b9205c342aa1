import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { packageDirectory } from './support/imports.js';
import { temporaryRepository } from './support/operations.js';

const run = promisify(execFile);
const MEGABYTE = 1_000_000;
/** Runs a program as nobody, where the tests run as root. */
const asNobody =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : ['env'];

/** What a user has after `npm install` of the packed file: the package, and beside it what it depends on. */
describe('the packed package', () => {
  let directory: string;
  let installed: string;
  let paths: string[];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'offshoot-'));
    const modules = join(directory, 'Ein Ördner mit größeren Namen', 'node_modules');
    installed = join(modules, 'offshoot');
    await mkdir(installed, { recursive: true });
    const words = ['pack', '--json', '--ignore-scripts', '--pack-destination', directory];
    const { stdout } = await run('npm', words, { cwd: packageDirectory });
    const [packed] = JSON.parse(stdout) as [{ filename: string; size: number; files: { path: string }[] }];
    assert.ok(packed.size < MEGABYTE, `${packed.size} bytes`);
    paths = packed.files.map(({ path }) => path);
    await run('tar', ['-xzf', join(directory, packed.filename), '-C', installed, '--strip-components=1']);
    const { dependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
    for (const name of Object.keys(dependencies)) {
      await mkdir(dirname(join(modules, name)), { recursive: true });
      await symlink(join(packageDirectory, 'node_modules', name), join(modules, name));
    }
  });
  after(() => rm(directory, { recursive: true, force: true }));

  /** Runs as an unprivileged user, with a home that cannot be written. */
  async function unprivileged(...words: string[]) {
    const home = join(directory, 'home');
    const writable = join(directory, 'writable');
    for (const path of [home, writable]) await mkdir(path, { recursive: true });
    await chmod(home, 0o555);
    await chmod(writable, 0o777);
    await chmod(directory, 0o755);
    const [program = '', ...options] = [...asNobody, process.execPath, ...words];
    const env = { HOME: home, TMPDIR: writable, PATH: process.env.PATH, XDG_STATE_HOME: writable };
    return run(program, options, { env, cwd: writable });
  }

  it('holds what is needed to run, and no test, source or map', () => {
    const needed = ['dist/src/cli.js', 'dist/src/orchestrator.d.ts', 'dist/page/index.html', 'README.md'];
    for (const path of needed) assert.ok(paths.includes(path), path);
    const unwanted = paths.filter(
      (path) => /(^|\/)test\/|\.map$|\.png$/.test(path) || (/\.tsx?$/.test(path) && !path.endsWith('.d.ts')),
    );
    assert.deepEqual(unwanted, []);
  });

  it('is, in a checkout too, a command that runs as it was built, for `npm link` to put on PATH', async () => {
    const { stdout } = await run(join(packageDirectory, 'dist/src/cli.js'), ['--version']);
    assert.match(stdout, /^\d+\.\d+\.\d+/);
  });

  it('shows the demo, as an unprivileged user with a read-only home', async () => {
    const { stdout } = await unprivileged(join(installed, 'dist/src/cli.js'), 'demo');
    assert.match(stdout, /→ done/);
    assert.match(stdout, /git apply --check takes the patch/);
  });

  it('is a library whose example runs as it stands in the docs', async () => {
    const page = await readFile(join(installed, 'docs/library.md'), 'utf8');
    const example = /```js\n(.+?)```/s.exec(page)?.[1] ?? '';
    const file = join(installed, '..', '..', 'example.mjs');
    await writeFile(file, example);
    const state = join(directory, 'state');
    const { stdout } = await run(process.execPath, [file, temporaryRepository()], {
      env: {
        HOME: directory,
        PATH: process.env.PATH,
        OFFSHOOT_STATE_DIR: state,
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND: 'cat >task.txt',
      },
    });
    assert.match(stdout, /done.*\+Mend the flaky test/s);
  });
});
