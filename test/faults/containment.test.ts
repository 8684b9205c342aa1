import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, readdir, readFile, realpath, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { appears } from '../support/git-gate.js';
import { temporaryDirectory } from '../support/house.js';
import { type Answer, makeOffshoot } from '../support/offshoot.js';
import { bomb, ways } from './bomb.js';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
/** Longer than a living process of the bomb stays silent. */
const SILENCE_MS = 400;
/** The grace of a stopped agent, and room for a loaded machine. */
const GRACE_MS = 5_000;
const MARGIN_MS = 4_000;

/** Ways in which a process of the bomb is still alive: they touch their files again. */
async function survivors(directory: string): Promise<string[]> {
  for (const name of await readdir(directory)) await rm(join(directory, name), { force: true });
  await delay(SILENCE_MS);
  return readdir(directory);
}

/** Runs the bomb as an agent, cancels its job, and tells the result, who survived, and how long it took. */
async function cancelBomb(
  environment: Record<string, string> = {},
  user: number | null = null,
): Promise<{ result: Answer; alive: string[]; milliseconds: number }> {
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
    const start = performance.now();
    await offshoot.call('codex_job_cancel', { job_id: id });
    const result = await offshoot.result(id);
    return { result, milliseconds: performance.now() - start, alive: await survivors(beats) };
  } finally {
    await offshoot.remove();
    await endCleared(beats);
    await temporary.remove();
  }
}

/** Ends what no marker tells of: it is known by its words alone. */
async function endCleared(beats: string): Promise<void> {
  for (const name of await readdir('/proc')) {
    const words = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (/^\d+$/.test(name) && words.includes(beats)) process.kill(Number(name), 'SIGKILL');
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
    const { result, alive, milliseconds } = await cancelBomb();
    assert.equal(result.status, 'cancelled');
    assert.equal(result.containment, 'namespace');
    assert.deepEqual(alive, []);
    assert.match(result.patch.toString(), /made\.txt/);
    assert.ok(milliseconds < GRACE_MS + MARGIN_MS, `${milliseconds} ms`);
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
      const { result, alive, milliseconds } = await cancelBomb({ PATH: path });
      assert.equal(result.containment, 'group');
      assert.deepEqual(alive, ['cleared']);
      assert.ok(result.warnings.some((warning: string) => warning.includes('emptied its environment')));
      assert.ok(milliseconds < GRACE_MS + 2_000 + MARGIN_MS, `${milliseconds} ms`);
    } finally {
      await temporary.remove();
    }
  });
});
