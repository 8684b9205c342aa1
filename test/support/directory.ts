import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

const removal = { recursive: true, force: true, maxRetries: 5 };

/** A temporary directory, and how to remove it. */
export async function temporaryDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'offshoot-'));
  return { path, remove: () => rm(path, removal) };
}

/** The real path of a directory that lasts until the tests of the file, or of the suite, are over. */
export function lastingDirectory(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'offshoot-')));
  after(() => rmSync(path, removal));
  return path;
}
