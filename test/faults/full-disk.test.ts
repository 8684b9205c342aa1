import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { jobLayout } from '../../src/job/layout.js';
import { temporaryDirectory } from '../support/directory.js';
import { appears } from '../support/git-gate.js';
import { commandLine, leavesNothing, makeOffshoot, type Offshoot } from '../support/offshoot.js';
import { type Gates, makeGates } from './gates.js';
import { makeSmallDisk, noSmallDisk, type SmallDisk } from './small-disk.js';

const execute = promisify(execFile);
const AGENT =
  'cat >task.txt; grep -q artefact task.txt && head -c 3000000 /dev/urandom >artefact; : >"$HOME/started"; until [ -e "$HOME/go" ]; do sleep 0.02; done; echo said';

interface World {
  offshoot: Offshoot;
  disk: SmallDisk;
  gates: Gates;
}

/** A daemon whose state directory is a disk of its own. */
async function withDisk(use: (world: World) => Promise<void>): Promise<void> {
  const temporary = await temporaryDirectory();
  const disk = await makeSmallDisk(join(temporary.path, 'disk'));
  const gates = await makeGates(temporary.path);
  const offshoot = await makeOffshoot({
    environment: {
      OFFSHOOT_STATE_DIR: join(disk.path, 'state'),
      OFFSHOOT_BACKEND: 'command',
      OFFSHOOT_COMMAND: AGENT,
      PATH: `${gates.directory}:/usr/local/bin:/usr/bin:/bin`,
    },
  });
  try {
    await offshoot.start();
    await use({ offshoot, disk, gates });
  } finally {
    disk.grow();
    await gates.open();
    await offshoot.remove();
    disk.remove();
    await temporary.remove();
  }
}

const go = ({ offshoot }: World) => writeFile(join(offshoot.root, 'home', 'go'), '');

/** The disk is not looked at for each call anew. */
async function ready(offshoot: Offshoot): Promise<void> {
  while (!(await offshoot.call('codex_status')).ready) await delay(100);
}

async function endsWell({ offshoot }: World, id: string): Promise<void> {
  const result = await offshoot.result(id);
  assert.equal(result.status, 'done', JSON.stringify(result.error));
  assert.equal(result.summary, 'said');
  assert.match(result.patch.toString(), /the work/);
  await leavesNothing(offshoot);
}

/** Lets git go on that waits at a gate, and waits until its stage has failed on the full disk. */
async function meets({ offshoot, gates }: World, id: string): Promise<void> {
  const { atWork } = jobLayout(offshoot.stateDir, id);
  await gates.open();
  while (existsSync(atWork)) await delay(20);
}

/** What a job waits for while its patch is captured, once that is told. */
async function waitedFor(offshoot: Offshoot, id: string): Promise<string> {
  for (;;) {
    const { status, activity } = await offshoot.call('codex_job_status', { job_id: id });
    assert.equal(status, 'diffing');
    if (activity?.startsWith('Waits')) return activity;
    await delay(20);
  }
}

describe('a full disk', { concurrency: 2, skip: noSmallDisk() }, () => {
  it('refuses new work before and while it is full, and takes it again afterwards', async () => {
    await withDisk(async (world) => {
      const { offshoot, disk } = world;
      await disk.fill();
      const refused = await offshoot.refusal('codex_delegate_async', {
        task: 'the work',
        workspace_root: offshoot.repository,
      });
      assert.equal(refused.code, 'disk_low');
      assert.equal((await offshoot.call('codex_status')).ready, false);
      disk.grow();
      await go(world);
      await ready(offshoot);
      await endsWell(world, await offshoot.delegate('the work'));
    });
  });

  it('lets no daemon start, and the command line says why', async () => {
    await withDisk(async ({ offshoot, disk }) => {
      const run = (...words: string[]) =>
        execute(process.execPath, [commandLine, ...words], { env: offshoot.environment });
      const ended = offshoot.ended();
      await run('stop', '--now');
      await ended;
      await disk.fill();
      const failed = await run('list').then(
        () => null,
        (error: { code: number; stderr: string }) => error,
      );
      assert.equal(failed?.code, 1);
      assert.match(failed?.stderr ?? '', /is full\. \(disk_full\)\nFree disk space/);
      disk.grow();
      await offshoot.start();
      assert.deepEqual((await offshoot.call('codex_job_list')).jobs, []);
    });
  });

  it('while a worktree is made holds the job up until there is room', async () => {
    await withDisk(async (world) => {
      const { offshoot, disk, gates } = world;
      await gates.hold('worktree');
      const id = await offshoot.delegate('the work');
      await gates.reached('worktree');
      await disk.fill();
      await meets(world, id);
      assert.equal((await offshoot.call('codex_job_status', { job_id: id })).status, 'worktree');
      disk.grow();
      await go(world);
      await endsWell(world, id);
    });
  });

  it('while the agent ends keeps its exit status and its output for when there is room', async () => {
    await withDisk(async (world) => {
      const { offshoot, disk } = world;
      const id = await offshoot.delegate('the work');
      await appears(join(offshoot.root, 'home'), 'started');
      await offshoot.reach(id, 'running');
      // Room for what the agent says, none for more.
      await writeFile(join(disk.path, 'state', 'jobs', id, 'attempts', '1', 'stdout'), '', { flag: 'a' });
      await disk.fill();
      await go(world);
      // The supervisor tries to write the status.
      await appears(join(disk.path, 'state', 'jobs', id, 'attempts', '1'), 'exit');
      assert.equal((await offshoot.call('codex_job_status', { job_id: id })).status, 'running');
      disk.grow();
      const result = await offshoot.result(id);
      // What the agent itself could not write is its own affair; that it ended by itself is not lost.
      assert.ok(['done', 'failed'].includes(result.status));
      assert.notEqual(result.error?.code, 'agent_killed');
      assert.match(result.patch.toString(), /the work/);
    });
  });

  it('while the patch is written holds the job up until there is room, and the patch is whole', async () => {
    await withDisk(async (world) => {
      const { offshoot, disk, gates } = world;
      await gates.hold('diffing');
      await go(world);
      const id = await offshoot.delegate('the work');
      await gates.reached('diffing');
      await disk.fill();
      await meets(world, id);
      assert.match(
        await waitedFor(offshoot, id),
        /^Waits to capture the patch, after disk_full: .* A cancel ends the wait/,
      );
      disk.grow();
      await endsWell(world, id);
    });
  });

  it('under a patch takes its room from the checkouts that wait for later jobs', async () => {
    await withDisk(async (world) => {
      const { offshoot, disk, gates } = world;
      await writeFile(join(offshoot.repository, 'large'), randomBytes(16_000_000));
      await offshoot.git('add', 'large');
      await offshoot.git('commit', '--quiet', '--message', 'large');
      const ids = [await offshoot.delegate('one'), await offshoot.delegate('two')];
      for (const id of ids) await offshoot.reach(id, 'running');
      await go(world);
      for (const id of ids) assert.equal((await offshoot.result(id)).status, 'done');
      await gates.hold('diffing');
      const id = await offshoot.delegate('the work, with an artefact');
      await gates.reached('diffing');
      await disk.fill();
      await gates.open();
      const result = await offshoot.result(id);
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      assert.match(result.patch.toString(), /the work/);
    });
  });

  it('that has no room for a patch keeps what it has room for, when nobody waits any longer', async () => {
    await withDisk(async (world) => {
      const { offshoot, disk, gates } = world;
      await gates.hold('diffing');
      await go(world);
      const id = await offshoot.delegate('the work, with an artefact');
      await gates.reached('diffing');
      await disk.fill(1024 * 1024);
      await meets(world, id);
      await waitedFor(offshoot, id);
      await offshoot.call('codex_job_cancel', { job_id: id });
      const result = await offshoot.result(id);
      assert.equal(result.status, 'cancelled', JSON.stringify(result.error));
      assert.match(result.patch.toString(), /the work/);
      assert.match(result.warnings.join(), /without "artefact" \(3000000 bytes\)/);
      disk.grow();
      await leavesNothing(offshoot);
    });
  });

  it('loses only the lines of the log that it had no room for', async () => {
    await withDisk(async ({ offshoot, disk }) => {
      const log = () => readFile(join(disk.path, 'state', 'logs', 'daemon.log'), 'utf8');
      await disk.fill();
      await offshoot.refusal('codex_delegate_async', { task: 'x', workspace_root: '/nowhere' });
      disk.grow();
      const before = (await log()).length;
      await ready(offshoot);
      const id = await offshoot.delegate('the work');
      await offshoot.call('codex_job_cancel', { job_id: id });
      await offshoot.result(id);
      await offshoot.kill();
      assert.ok((await log()).length >= before);
      await offshoot.start();
      while (!(await log()).slice(before).includes('daemon serves')) await delay(50);
    });
  });
});

describe('a read-only disk', { concurrency: 2, skip: noSmallDisk() }, () => {
  it('under the state directory is a clear error on the command line', async () => {
    await withReadOnly(async (directory) => {
      const offshoot = await makeOffshoot({ environment: { OFFSHOOT_STATE_DIR: join(directory, 'state') } });
      try {
        const words = [commandLine, 'list'];
        const failed = await execute(process.execPath, words, { env: offshoot.environment }).then(
          () => null,
          (error: { code: number; stderr: string }) => error,
        );
        assert.equal(failed?.code, 1);
        assert.match(failed?.stderr ?? '', /state directory cannot be written/);
      } finally {
        await offshoot.remove();
      }
    });
  });

  it('under the home of the user keeps no job from its work', async () => {
    await withReadOnly(async (directory) => {
      const offshoot = await makeOffshoot({
        environment: { OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: 'cat >task.txt', HOME: directory },
      });
      try {
        await offshoot.start();
        const result = await offshoot.result(await offshoot.delegate('the work'));
        assert.equal(result.status, 'done', JSON.stringify(result.error));
      } finally {
        await offshoot.remove();
      }
    });
  });
});

async function withReadOnly(use: (directory: string) => Promise<void>): Promise<void> {
  const temporary = await temporaryDirectory();
  const disk = await makeSmallDisk(join(temporary.path, 'disk'));
  try {
    disk.writable(false);
    await use(disk.path);
  } finally {
    disk.remove();
    await temporary.remove();
  }
}
