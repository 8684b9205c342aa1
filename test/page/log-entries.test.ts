import assert from 'node:assert/strict';
import { it } from 'node:test';
import { importBrowserModule } from '../support/browser-module.js';

const MOST = 2_000;

it('the page keeps of a log the newest entries, however much an agent says', async () => {
  const { keepEntry } = await importBrowserModule('log-entries.ts');
  const entries = new Map<string, { id: string; text: string }>();
  for (let line = 0; line < 3 * MOST; line += 1) keepEntry(entries, { id: `line ${line}`, text: 'begins' });
  keepEntry(entries, { id: `line ${2 * MOST}`, text: 'ends' });
  assert.equal(entries.size, MOST);
  assert.deepEqual(entries.values().next().value, { id: `line ${2 * MOST}`, text: 'ends' });
});
