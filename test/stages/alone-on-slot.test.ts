import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { aloneOnSlot } from '../../src/stages/alone-on-slot.js';
import { isDead, readStat } from '../../src/stages/proc.js';
import { temporaryDirectory } from '../support/directory.js';

describe('work on a slot', () => {
  it('ends the git of work that was cut off, and of no other slot', async () => {
    const directory = await temporaryDirectory();
    const [slot, other] = ['slot', 'slot-2'].map((name) => join(directory.path, name)) as [string, string];
    const atWork = join(directory.path, 'at-work');
    const [left, foreign] = [slot, other].map((path) =>
      spawn('sleep', ['600'], { env: { PATH: '/usr/bin:/bin', GIT_DIR: `${path}/git` }, stdio: 'ignore' }),
    ) as [ReturnType<typeof spawn>, ReturnType<typeof spawn>];
    try {
      const ended = once(left, 'exit');
      // Nothing was cut off: nobody is looked for.
      await aloneOnSlot(slot, atWork, async () => access(atWork));
      assert.equal(left.exitCode ?? left.signalCode, null);
      await writeFile(atWork, '');
      assert.equal(await aloneOnSlot(slot, atWork, async () => 'done'), 'done');
      assert.ok(isDead(readStat(left.pid ?? 0) ?? ') X '), 'what was left at work lives on');
      assert.deepEqual(await ended, [null, 'SIGKILL']);
      assert.equal(foreign.exitCode ?? foreign.signalCode, null);
      await assert.rejects(access(atWork), { code: 'ENOENT' });
    } finally {
      foreign.kill('SIGKILL');
      left.kill('SIGKILL');
      await directory.remove();
    }
  });
});
