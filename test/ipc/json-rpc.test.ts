import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idOfOversized } from '../../src/ipc/json-rpc.js';

const idOf = (text: string) =>
  idOfOversized({ head: Buffer.from(text.slice(0, 60)), tail: Buffer.from(text.slice(-60)) });
const long = 'x'.repeat(500);

test('the id of an oversized message is found as its first or last member', () => {
  assert.equal(idOf(`{"jsonrpc":"2.0","id":7,"method":"${long}"}`), 7);
  assert.equal(idOf(`{"method":"${long}","jsonrpc":"2.0","id":"a\\"b"}`), 'a"b');
  assert.equal(idOf(`{"id": -3, "method":"${long}"}`), -3);
});

test('the id of something else inside an oversized message is not taken for its own', () => {
  assert.equal(idOf(`{"method":"${long}","params":{"id":7}}`), null);
  assert.equal(idOf(`{"params":{"id":7,"text":"${long}"},"x":1}`), null);
  assert.equal(idOf(`[{"id":7,"text":"${long}"}]`), null);
});
