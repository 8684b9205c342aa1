import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { stopDaemon, withClient } from '../../src/demo/demo-client.js';
import { temporaryDirectory } from '../support/directory.js';

it('an interrupt ends the call under way and keeps the next from being made; calls that ended hear nothing', async () => {
  const { path, remove } = await temporaryDirectory();
  const environment = {
    OFFSHOOT_STATE_DIR: join(path, 'state'),
    OFFSHOOT_BACKEND: 'command',
    OFFSHOOT_COMMAND: 'true',
    XDG_CONFIG_HOME: path,
  };
  await mkdir(environment.OFFSHOOT_STATE_DIR, { mode: 0o700 });
  const interrupted = new AbortController();
  try {
    await withClient(environment, interrupted.signal, async (client) => {
      const ask = () => client.call('codex_job_status', { job_id: '0'.repeat(32) });
      await assert.rejects(ask(), /job_not_found/);
      assert.deepEqual(getEventListeners(interrupted.signal, 'abort'), []);
      const last = assert.rejects(ask(), /abort/i);
      interrupted.abort();
      await last;
      await assert.rejects(ask(), /abort/i);
    });
  } finally {
    await stopDaemon(environment);
    await remove();
  }
});
