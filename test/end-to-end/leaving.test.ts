import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeOffshoot } from '../support/offshoot.js';

it('a daemon that leaves while it looks whether Codex works leaves nothing of that look', async () => {
  const offshoot = await makeOffshoot();
  const [temporary, codex] = [join(offshoot.root, 'tmp'), join(offshoot.root, 'slow-codex')];
  offshoot.environment.TMPDIR = temporary;
  offshoot.environment.OFFSHOOT_CODEX_PATH = codex;
  try {
    await mkdir(temporary);
    await writeFile(codex, '#!/bin/sh\nexec sleep 600\n', { mode: 0o700 });
    await offshoot.start();
    while ((await readdir(temporary)).length === 0) await delay(5);
    const ended = offshoot.ended();
    process.kill(offshoot.pid(), 'SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    assert.deepEqual(await readdir(temporary), []);
  } finally {
    await offshoot.remove();
  }
});
