import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, explainSystemError } from '../../src/git/explain.js';
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

const said = (failure: Partial<GitFailure>) =>
  explain({ ...failed(''), ...failure }, 'patch_failed', 'writing the patch').fault;

for (const exitCode of [130, 137, 143, null]) {
  test(`a git that something else ended, as status ${exitCode} tells, may do better later`, () => {
    assert.equal(said({ exitCode }).code, 'machine_exhausted');
  });
}

test('a git that crashes by itself, or says what is wrong, would do so again', () => {
  assert.equal(said({ exitCode: 139 }).code, 'patch_failed');
  assert.equal(said({ stderr: 'fatal: bad object' }).code, 'patch_failed');
});

test('a git that took too long may be faster on a machine that does less', () => {
  const { code, message } = said({ cause: 'timeout' });
  assert.equal(code, 'machine_exhausted');
  assert.match(message, /took too long while writing the patch/);
});

test('a disk that fails is waited for like a full one', () => {
  const stderr = 'error: unable to write file a: Input/output error';
  assert.equal(said({ stderr }).code, 'disk_full');
  for (const code of ['EIO', 'EROFS']) {
    const failure = explainSystemError(
      Object.assign(new Error('write'), { code }),
      'patch_failed',
      'writing',
    );
    assert.equal(failure.fault.code, 'disk_full');
  }
});
