import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryDirectory } from '../support/directory.js';
import { leavesNothing, makeOffshoot } from '../support/offshoot.js';

/** A `git` that does so instead of its work while the file `away` is beside it. */
const gitThat = (directory: string, ends: string) => `#!/bin/sh
[ -e '${directory}/away' ] && ${ends}
PATH=/usr/local/bin:/usr/bin:/bin exec git "$@"
`;

describe('a git that can do nothing for a while as a patch is captured', { concurrency: 2 }, () => {
  for (const [title, ends, code] of [
    ['because it is away, as while it is brought up to date', 'exit 127', 'git_not_found'],
    ['because something ends it', 'kill -TERM $$', 'machine_exhausted'],
  ] as const) {
    it(`${title}, costs no patch`, async () => {
      const temporary = await temporaryDirectory();
      const directory = join(temporary.path, 'bin');
      await mkdir(directory);
      await writeFile(join(directory, 'git'), gitThat(directory, ends), { mode: 0o700 });
      const offshoot = await makeOffshoot({
        environment: {
          OFFSHOOT_BACKEND: 'command',
          OFFSHOOT_COMMAND: `cat >task.txt; : >'${directory}/away'`,
          PATH: `${directory}:/usr/local/bin:/usr/bin:/bin`,
        },
      });
      try {
        await offshoot.start();
        const id = await offshoot.delegate('the work');
        let activity = '';
        while (!activity.startsWith('Waits to capture the patch')) {
          const status = await offshoot.call('codex_job_status', { job_id: id });
          assert.equal(status.error, null);
          activity = status.activity ?? '';
          await delay(20);
        }
        assert.ok(activity.includes(`after ${code}`), activity);
        await rm(join(directory, 'away'));
        const result = await offshoot.result(id);
        assert.equal(result.status, 'done', JSON.stringify(result.error));
        assert.match(result.patch.toString(), /the work/);
        await leavesNothing(offshoot);
      } finally {
        await offshoot.remove();
        await temporary.remove();
      }
    });
  }
});
