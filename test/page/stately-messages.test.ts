import assert from 'node:assert/strict';
import { it } from 'node:test';
import { importBrowserModule } from '../support/browser-module.js';

interface Message {
  type: string;
  sessionId: string;
  snapshot?: unknown;
}

it("who loads Stately's inspector late is told every actor, however much has happened since", async () => {
  const { keepMessages } = await importBrowserModule('stately-messages.ts');
  const kept = keepMessages();
  const ids = ['quiet', 'chatty'];
  for (const sessionId of ids) kept.keep({ type: '@xstate.actor', sessionId, snapshot: 'begins' });
  kept.keep({ type: '@xstate.snapshot', sessionId: 'quiet', snapshot: 'ended' });
  for (let step = 0; step < 30_000; step += 1) {
    kept.keep({ type: '@xstate.event', sessionId: 'chatty' });
    kept.keep({ type: '@xstate.snapshot', sessionId: 'chatty', snapshot: step });
  }
  const all: Message[] = kept.all();
  assert.ok(all.length < 25_000);
  assert.deepEqual(
    all.slice(0, 2).map(({ type, sessionId }) => [type, sessionId]),
    ids.map((id) => ['@xstate.actor', id]),
  );
  const last = (id: string) =>
    all.filter(({ sessionId, snapshot }) => sessionId === id && snapshot !== undefined);
  assert.deepEqual(
    ids.map((id) => last(id).at(-1)?.snapshot),
    ['ended', 29_999],
  );
});
