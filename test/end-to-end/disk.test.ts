import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as nextLook } from 'node:timers/promises';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

/** A third ends well, a third breaks, a third waits to be cancelled; each leaves what agents leave. */
const agent = `
read task
echo "$task" >new.txt
mkdir -p node_modules/deep
echo x >node_modules/deep/file
git init -q nested
case "$task" in
  *0|*3|*6|*9) exit 0 ;;
  *1|*4|*7) exit 3 ;;
  *) sleep 60 ;;
esac
`;

const JOBS = 30;
const WARM = 2;
const LOOKS = 200;

describe('the disk', () => {
  it('has nothing left of jobs that were consumed but the pool: ended, broken, cancelled, and through a kill', async () => {
    const offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND: agent,
        OFFSHOOT_MAX_RUNNING: '4',
        OFFSHOOT_WARM_SLOTS: String(WARM),
      },
    });
    try {
      const temporary = join(offshoot.root, 'temporary');
      await mkdir(temporary);
      offshoot.environment.TMPDIR = temporary;
      await leaveOldSlot(offshoot);
      await offshoot.start();
      const tasks = Array.from({ length: JOBS }, (_, index) => index);
      const ids = await Promise.all(tasks.map((index) => offshoot.delegate(`task-${index}\n`)));
      await offshoot.result(ids[0] ?? '');
      await offshoot.kill();
      await offshoot.start();
      await Promise.all(
        ids.map(async (id, index) => {
          if ((index % 10) % 3 === 2) await offshoot.call('codex_job_cancel', { job_id: id });
          await offshoot.result(id);
          await offshoot.call('codex_job_consume_result', { job_id: id });
        }),
      );
      assert.deepEqual(await offshoot.slots(), []);
      const repositories = join(offshoot.stateDir, 'repositories');
      const places = (await readdir(repositories)).map((name) => join(repositories, name));
      for (const place of places) await empties(join(place, 'trash'));
      const idle = (await Promise.all(places.map(idleSlots))).flat();
      assert.ok(idle.length >= 1 && idle.length <= WARM, `${idle.length} idle slots`);
      for (const slot of idle) {
        assert.deepEqual((await readdir(slot)).sort(), ['index', 'stamps.json', 'wt']);
        assert.deepEqual(await readdir(join(slot, 'wt')), ['a.txt']);
      }
      assert.deepEqual(await readdir(join(offshoot.stateDir, 'jobs')), []);
      assert.deepEqual(await readdir(temporary), []);
      assert.deepEqual(await offshoot.agents(), []);
    } finally {
      await offshoot.remove();
    }
  });
});

/** A slot of a job that no store knows, as after a store was lost. */
async function leaveOldSlot({ stateDir }: Offshoot): Promise<void> {
  const slot = join(stateDir, 'repositories', 'repository-0000000000000000', 'slots', 'f'.repeat(32));
  await mkdir(join(slot, 'wt'), { recursive: true });
  await writeFile(join(slot, 'wt', 'old.txt'), 'old\n');
}

async function idleSlots(repository: string): Promise<string[]> {
  const idle = join(repository, 'idle');
  return (await readdir(idle).catch(() => [])).map((name) => join(idle, name));
}

/** Deletions go on behind a settled job. */
async function empties(directory: string): Promise<void> {
  for (let look = 0; look < LOOKS; look += 1) {
    if ((await readdir(directory)).length === 0) return;
    await nextLook(50);
  }
  assert.deepEqual(await readdir(directory), []);
}
