import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { watchFiles } from '../../src/stages/watch-files.js';
import { temporaryDirectory } from '../support/directory.js';

/** An ending process is looked at within this time; a tick is a second. */
const SOON_MS = 50;

describe('the watch over the files of an attempt', () => {
  it('looks again soon where the exit status was there before it', async (context) => {
    const { path, remove } = await temporaryDirectory();
    await writeFile(join(path, 'exit'), '0\n');
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const watch = watchFiles(path);
    try {
      for (let look = 0; look < 4; look += 1) {
        let looked = false;
        void watch.next().then(() => {
          looked = true;
        });
        context.mock.timers.tick(SOON_MS);
        await nextTurn();
        assert.ok(looked);
      }
    } finally {
      watch.close();
      await remove();
    }
  });

  it('reads on what an agent writes when the clock was set back by an hour', { timeout: 120_000 }, async ({
    mock,
  }) => {
    const { path, remove } = await temporaryDirectory();
    const watch = watchFiles(path);
    try {
      await writeFile(join(path, 'stdout'), 'one\n');
      await watch.next();
      const now = Date.now();
      mock.method(Date, 'now', () => now - 3_600_000);
      for (let line = 0; line < 3; line += 1) {
        await writeFile(join(path, 'stdout'), 'two\n', { flag: 'a' });
        await watch.next();
      }
      assert.equal(Date.now(), now - 3_600_000);
    } finally {
      watch.close();
      await remove();
    }
  });
});
