import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from '../../src/git/explain.js';
import type { GitFailure } from '../../src/git/git.js';

const failed = (stderr: string): GitFailure => ({ ok: false, cause: 'exit', exitCode: 128, stderr });

for (const words of [
  "fatal: cannot create directory at 'a': No space left on device",
  // Where the system takes no byte, and says of no error.
  "fatal: sha1 file 'index.lock' write error. Out of diskspace",
]) {
  test(`a full disk is told where git says: ${words}`, () => {
    assert.equal(explain(failed(words), 'worktree_failed', 'making the worktree').fault.code, 'disk_full');
  });
}
