import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ErrorCode, errorTable } from '../../src/errors.js';
import { readSource, sourceFiles } from '../support/imports.js';

/** Codes that take more than a daemon to provoke: the test that gets into the error, and past it. */
const elsewhere: Partial<Record<ErrorCode, [file: string, title: string]>> = {
  disk_low: [
    'test/faults/full-disk.test.ts',
    'refuses new work before and while it is full, and takes it again afterwards',
  ],
  disk_full: [
    'test/faults/full-disk.test.ts',
    'while the patch is written holds the job up until there is room, and the patch is whole',
  ],
  store_unavailable: [
    'test/job/supervisor.test.ts',
    'refuses work that the store cannot make durable, and serves on',
  ],
  store_damaged: [
    'test/store/sqlite-file.test.ts',
    'that cannot be set aside is refused, until somebody moves it out',
  ],
  machine_exhausted: [
    'test/faults/exhaustion.test.ts',
    'keeps its running agent, refuses or holds new work, and goes on when it may again',
  ],
};

const source = sourceFiles('test/advice').map(readSource).join('\n');
const isFollowed = (code: string) =>
  new RegExp(`^ +${code}: |'${code}: |and ${code} on the way`, 'm').test(source);

describe('the advice of every error', () => {
  for (const code of Object.keys(errorTable) as ErrorCode[]) {
    it(`${code} is followed by a test that gets past it`, () => {
      const shown = elsewhere[code];
      if (shown === undefined) assert.ok(isFollowed(code), 'no test of test/advice begins with it');
      else assert.ok(readSource(shown[0]).includes(shown[1]), `${shown[0]} has no test "${shown[1]}"`);
    });
  }
});
