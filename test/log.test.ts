import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createLog } from '../src/log.js';
import { temporaryDirectory } from './support/house.js';

const LINE = 'x'.repeat(100_000);
const MEBIBYTE = 1024 * 1024;

describe('the log', () => {
  it('is rotated at 10 MiB, and takes no more room than its five files and the one that is written', async () => {
    const directory = await temporaryDirectory();
    try {
      const file = join(directory.path, 'logs', 'daemon.log');
      const log = createLog(file, 'info', false);
      for (let line = 0; line < 900; line += 1) {
        log.info(LINE);
        if (line % 20 === 0) await delay(20);
      }
      await settles(file);
      const names = (await readdir(join(directory.path, 'logs'))).filter((name) => !name.endsWith('.txt'));
      assert.ok(names.length > 1 && names.length <= 6, names.join(', '));
      for (const name of names)
        assert.ok((await stat(join(directory.path, 'logs', name))).size <= 16 * MEBIBYTE, name);
    } finally {
      await directory.remove();
    }
  });

  it('that could not be written is written again later', { timeout: 120_000 }, async () => {
    const directory = await temporaryDirectory();
    try {
      const logs = join(directory.path, 'logs');
      await mkdir(logs);
      // A device that is always full.
      await symlink('/dev/full', join(logs, 'daemon.log'));
      const log = createLog(join(logs, 'daemon.log'), 'info', false);
      log.info('lost');
      await rm(join(logs, 'daemon.log'));
      const written = () => readFile(join(logs, 'daemon.log'), 'utf8').catch(() => '');
      while (!(await written()).includes('kept')) {
        log.info('kept');
        await delay(20);
      }
    } finally {
      await directory.remove();
    }
  });
});

/** Resolves once a file grows no more. */
async function settles(file: string): Promise<void> {
  const size = async () => (await stat(file).catch(() => null))?.size;
  for (let before = -1; ; ) {
    await delay(200);
    const now = (await size()) ?? -2;
    if (now === before) return;
    before = now;
  }
}
