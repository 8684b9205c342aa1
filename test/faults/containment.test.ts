import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, readdir, readFile, realpath, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryDirectory } from '../support/directory.js';
import { appears } from '../support/git-gate.js';
import { type Answer, makeOffshoot } from '../support/offshoot.js';
import { bomb, ways } from './bomb.js';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

interface Survivor {
  pid: number;
  /** The last word of its command line: for what the bomb started, the name of its way. */
  way: string;
}

/** Processes of the bomb that live: all of them have its directory among their words. */
async function survivors(directory: string): Promise<Survivor[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = pids.map(async (pid) => {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return words.includes(directory) ? [{ pid: Number(pid), way: words.split('\0').at(-2) ?? '' }] : [];
  });
  return (await Promise.all(found)).flat();
}

/** Runs the bomb as an agent, cancels its job, and tells the result, and who survived. */
async function cancelBomb(
  environment: Record<string, string> = {},
  user: number | null = null,
): Promise<{ result: Answer; alive: string[] }> {
  const temporary = await temporaryDirectory();
  const beats = join(await realpath(temporary.path), 'beats');
  await mkdir(beats);
  const prefix = user === null ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  const offshoot = await makeOffshoot({
    prefix,
    environment: {
      OFFSHOOT_BACKEND: 'command',
      OFFSHOOT_COMMAND: `echo made >made.txt; ${bomb(beats)}`,
      ...environment,
    },
  });
  try {
    if (user !== null) {
      await chmod(temporary.path, 0o755);
      for (const path of [temporary.path, beats]) await chown(path, user, user);
      execFileSync('chown', ['-R', `${user}:${user}`, offshoot.root]);
    }
    await offshoot.start();
    const id = await offshoot.delegate('explode');
    await appears(beats, 'hydra');
    for (;;) {
      const { activity } = await offshoot.call('codex_job_status', { job_id: id });
      if (activity === 'up') break;
      await delay(20);
    }
    assert.deepEqual((await readdir(beats)).sort(), [...ways].sort());
    await offshoot.call('codex_job_cancel', { job_id: id });
    const result = await offshoot.result(id);
    return { result, alive: (await survivors(beats)).map(({ way }) => way) };
  } finally {
    await offshoot.remove();
    // What no marker tells of.
    for (const { pid } of await survivors(beats)) process.kill(pid, 'SIGKILL');
    await temporary.remove();
  }
}

/** A PATH on which everything is but `unshare`. */
async function pathWithoutUnshare(directory: string): Promise<string> {
  await mkdir(directory);
  for (const name of await readdir('/usr/bin'))
    if (name !== 'unshare') await symlink(join('/usr/bin', name), join(directory, name));
  return directory;
}

describe('when a job ends', { concurrency: 2 }, () => {
  it('none of its processes is left in a namespace, however they tried to get away', async () => {
    const { result, alive } = await cancelBomb();
    assert.equal(result.status, 'cancelled');
    assert.equal(result.containment, 'namespace');
    assert.deepEqual(alive, []);
    assert.match(result.patch.toString(), /made\.txt/);
  });

  it('none of its processes is left for a user without privileges either', {
    skip: isRoot ? false : 'Only root can become another user; this user has no privileges as it is.',
  }, async () => {
    const { result, alive } = await cancelBomb({}, NOBODY);
    assert.equal(result.containment, 'namespace');
    assert.deepEqual(alive, []);
  });

  it('without a namespace only a process without environment is left, and a warning says that', async () => {
    const temporary = await temporaryDirectory();
    try {
      const path = await pathWithoutUnshare(join(temporary.path, 'bin'));
      const { result, alive } = await cancelBomb({ PATH: path });
      assert.equal(result.containment, 'group');
      assert.deepEqual(alive, ['cleared']);
      assert.ok(result.warnings.some((warning: string) => warning.includes('emptied its environment')));
    } finally {
      await temporary.remove();
    }
  });
});
