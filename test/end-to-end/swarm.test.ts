import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { leavesNothing, makeOffshoot } from '../support/offshoot.js';

const JOBS = 100;
const LIMIT = 6;

/** Notes, under a lock that is a directory, how many agents are alive when it starts. */
const agent = `
read task
mkdir -p "$HOME/alive/$OFFSHOOT_JOB_ID"
ls "$HOME/alive" | wc -l >>"$HOME/seen"
echo "$task" >"$task.txt"
rmdir "$HOME/alive/$OFFSHOOT_JOB_ID"
`;

describe('a swarm on one repository', () => {
  it('gets a handle and a result for each of 100 jobs at once, with never more agents than the limit', async () => {
    const offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND: agent,
        OFFSHOOT_MAX_RUNNING: String(LIMIT),
      },
    });
    try {
      await mkdir(join(offshoot.root, 'home', 'alive'));
      await offshoot.start();
      const tasks = Array.from({ length: JOBS }, (_, index) => `task-${index}`);
      const ids = await Promise.all(tasks.map((task) => offshoot.delegate(`${task}\n`)));
      assert.equal(new Set(ids).size, JOBS);
      await Promise.all(
        ids.map(async (id, index) => {
          const result = await offshoot.result(id);
          assert.equal(result.status, 'done', JSON.stringify(result.error));
          assert.match(result.patch.toString(), new RegExp(`\\+${tasks[index]}\n`));
        }),
      );
      const seen = (await readFile(join(offshoot.root, 'home', 'seen'), 'utf8'))
        .trim()
        .split('\n')
        .map(Number);
      assert.equal(seen.length, JOBS);
      assert.ok(Math.max(...seen) <= LIMIT, `${Math.max(...seen)} agents at once`);
      await leavesNothing(offshoot);
      assert.equal(await offshoot.git('status', '--porcelain'), '');
      assert.equal(await offshoot.git('fsck'), '');
    } finally {
      await offshoot.remove();
    }
  });
});
