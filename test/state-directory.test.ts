import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { makeStateDirectory } from '../src/state-directory.js';
import { lastingDirectory } from './support/directory.js';

it('only the user may enter the state directory, those above it that are made, and its logs', () => {
  const above = join(lastingDirectory(), 'above');
  const stateDir = join(above, 'state');
  assert.ok(makeStateDirectory(stateDir).ok);
  for (const directory of [above, stateDir, join(stateDir, 'logs')])
    assert.equal(statSync(directory).mode & 0o777, 0o700, directory);
});
