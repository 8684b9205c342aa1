import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { commandLine, makeOffshoot, type Offshoot } from '../support/offshoot.js';

const execute = promisify(execFile);

describe('offshoot stop', () => {
  const broken: Record<string, (offshoot: Offshoot) => Promise<Record<string, string>>> = {
    'a setting that does not fit': async () => ({ OFFSHOOT_MAX_RUNNING: 'many' }),
    'a configuration file that is no JSON': async ({ root }) => {
      await mkdir(join(root, 'home/.config/offshoot'), { recursive: true });
      await writeFile(join(root, 'home/.config/offshoot/config.json'), '{');
      return {};
    },
  };
  for (const [what, breakIt] of Object.entries(broken)) {
    it(`stops the daemon in spite of ${what}, and says what is wrong`, async () => {
      const offshoot = await makeOffshoot({
        environment: { OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: 'true' },
      });
      try {
        await offshoot.start();
        const ended = offshoot.ended();
        const env = { ...offshoot.environment, ...(await breakIt(offshoot)) };
        const { stdout, stderr } = await execute(process.execPath, [commandLine, 'stop'], { env });
        assert.equal(stdout, 'The daemon has stopped.\n');
        assert.match(stderr, /^note: No daemon can be started now: .*(OFFSHOOT_MAX_RUNNING|config\.json)/);
        assert.deepEqual(await ended, [0, null]);
      } finally {
        await offshoot.remove();
      }
    });
  }
});
