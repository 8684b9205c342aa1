import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createLog, type Log } from '../src/log.js';
import { temporaryDirectory } from './support/directory.js';

const LINE = 'x'.repeat(100_000);
const MEBIBYTE = 1024 * 1024;

describe('the log', () => {
  it('is rotated at 10 MiB, and takes no more room than its five files and the one that is written', async () => {
    const directory = await temporaryDirectory();
    try {
      const file = join(directory.path, 'daemon.log');
      const log = createLog(file, 'info', false);
      for (let line = 0; line < 900; line += 1) {
        log.info(LINE);
        if (line % 20 === 0) await written(log);
      }
      await written(log);
      const names = (await readdir(directory.path)).filter((name) => !name.endsWith('.txt'));
      assert.ok(names.length > 1 && names.length <= 6, names.join(', '));
      for (const name of names)
        assert.ok((await stat(join(directory.path, name))).size <= 16 * MEBIBYTE, name);
    } finally {
      await directory.remove();
    }
  });

  it('tells when all lines so far are written, or were given up', async () => {
    const directory = await temporaryDirectory();
    try {
      const file = join(directory.path, 'daemon.log');
      const log = createLog(file, 'info', false);
      await written(log);
      for (let line = 1; line <= 100; line += 1) log.info({ line }, LINE);
      await written(log);
      assert.match(await readFile(file, 'utf8'), /"line":100,/);
      const full = join(directory.path, 'full.log');
      await symlink('/dev/full', full);
      const failing = createLog(full, 'info', false);
      failing.info('lost');
      await written(failing);
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
      const content = () => readFile(join(logs, 'daemon.log'), 'utf8').catch(() => '');
      while (!(await content()).includes('kept')) {
        log.info('kept');
        await delay(20);
      }
    } finally {
      await directory.remove();
    }
  });
});

describe('a log that somebody removes', () => {
  it('is written anew', { timeout: 120_000 }, async () => {
    const directory = await temporaryDirectory();
    try {
      const file = join(directory.path, 'daemon.log');
      const log = createLog(file, 'info', false);
      log.info('first');
      await written(log);
      await rm(file);
      const content = () => readFile(file, 'utf8').catch(() => '');
      while (!(await content()).includes('again')) {
        log.info('again');
        await delay(20);
      }
    } finally {
      await directory.remove();
    }
  });
});

describe('a log whose directory is removed before its first line', () => {
  it('makes no directory anew', async () => {
    const directory = await temporaryDirectory();
    try {
      const logs = join(directory.path, 'state', 'logs');
      const log = createLog(join(logs, 'daemon.log'), 'info', false);
      log.info('too late');
      await written(log);
      assert.deepEqual(await readdir(directory.path), []);
      await mkdir(logs, { recursive: true });
      log.info('in time');
      await written(log);
      assert.match(await readFile(join(logs, 'daemon.log'), 'utf8'), /^[^\n]*in time[^\n]*\n$/);
    } finally {
      await directory.remove();
    }
  });
});

/** Resolves once all lines so far are written or given up. */
const written = (log: Log) => new Promise<void>((resolve) => log.flush(() => resolve()));
