import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import pino from 'pino';
import { stateLayout } from '../../src/job/layout.js';
import { delegateAsync } from '../../src/operations/delegate-async.js';
import { invoke } from '../../src/operations/invoke.js';
import type { Operation } from '../../src/operations/operation.js';
import { openSqliteStore } from '../../src/store/sqlite.js';
import { makeCall } from '../support/operations.js';

describe('a call that needs a store which cannot be read', () => {
  it('is refused for that, and may be made again: whether its key has started a job cannot be told', async () => {
    const call = makeCall();
    const { supervisor, settings } = call.house;
    const opened = await openSqliteStore(stateLayout(settings.stateDir).store);
    assert.ok(opened.ok);
    const { store } = opened.value;
    await store.close();
    supervisor.startedBy = (key) => store.startedBy(key);
    const gone = join(settings.stateDir, 'gone');
    const input = { task: 'do it', workspace_root: gone, idempotency_key: 'once' };
    const operations = [delegateAsync as Operation];
    const answer = await invoke(operations, delegateAsync.tool, input, call, pino({ level: 'silent' }));
    assert.ok(!answer.ok);
    assert.deepEqual(
      [answer.fault.code, answer.fault.message],
      ['store_unavailable', 'The store is closed.'],
    );
  });
});
