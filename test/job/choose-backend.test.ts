import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseBackend } from '../../src/job/choose-backend.js';

test('auto takes a process for each of a few jobs, and a shared one from a number on', () => {
  assert.equal(chooseBackend('auto', 31, 32), 'codex-exec');
  assert.equal(chooseBackend('auto', 32, 32), 'codex-app-server');
});

test('what was asked for is taken whatever the number', () => {
  assert.equal(chooseBackend('codex-exec', 500, 32), 'codex-exec');
  assert.equal(chooseBackend('codex-app-server', 1, 32), 'codex-app-server');
  assert.equal(chooseBackend('command', 500, 32), 'command');
});
