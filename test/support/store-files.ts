import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenedStore, openSqliteStore } from '../../src/store/sqlite.js';
import type { Unreadable } from '../../src/store/sqlite-rows.js';
import type { Store } from '../../src/store/store.js';

/** Temporary store files, and the stores opened on them; `clean` closes and removes all. */
export function storeFiles() {
  const directories: string[] = [];
  const stores: Store[] = [];

  const freshPath = (): string => {
    const directory = mkdtempSync(join(tmpdir(), 'offshoot-'));
    directories.push(directory);
    return join(directory, 'jobs.sqlite');
  };

  const openWith = async (path: string, onUnreadable?: (row: Unreadable) => void): Promise<OpenedStore> => {
    const opened = await openSqliteStore(path, onUnreadable);
    assert.ok(opened.ok, JSON.stringify(opened));
    stores.push(opened.value.store);
    return opened.value;
  };

  return {
    freshPath,
    openWith,
    open: async (path = freshPath()) => (await openWith(path)).store,
    clean: async () => {
      await Promise.all(stores.map((store) => store.close()));
      for (const directory of directories) rmSync(directory, { recursive: true, force: true });
    },
  };
}
