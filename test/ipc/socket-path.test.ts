import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { checkSocketDirectory, makeSocketDirectory, socketPath } from '../../src/ipc/socket-path.js';

const longStateDir = () => `/${'long'.repeat(40)}/${process.pid}-${Math.random()}`;

test('the socket lies in the state directory while the path is short enough', () => {
  assert.equal(socketPath('/var/someone/state'), '/var/someone/state/daemon.sock');
});

test('a long state directory gets a short path of its own, the same each time', () => {
  const [one, other] = [longStateDir(), longStateDir()];
  assert.equal(socketPath(one), socketPath(one));
  assert.notEqual(socketPath(one), socketPath(other));
  assert.ok(Buffer.byteLength(socketPath(one)) <= 100);
});

test('a private directory of this user is trusted', () => {
  const path = socketPath(longStateDir());
  makeSocketDirectory(path);
  try {
    assert.ok(checkSocketDirectory(path).ok);
  } finally {
    rmSync(dirname(path), { recursive: true });
  }
});

test('a directory open to others, or a symlink, is not trusted', () => {
  const open = socketPath(longStateDir());
  const link = socketPath(longStateDir());
  mkdirSync(dirname(open), { mode: 0o755 });
  symlinkSync(tmpdir(), dirname(link));
  try {
    assert.ok(!checkSocketDirectory(open).ok);
    assert.ok(!checkSocketDirectory(link).ok);
  } finally {
    rmSync(dirname(open), { recursive: true });
    rmSync(dirname(link));
  }
});
