import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { limitTime } from '../src/time-limit.js';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

describe('a time limit', () => {
  const never = new AbortController().signal;

  it('is up after its time, also when garbage was collected meanwhile', async () => {
    const ended = once(limitTime(never, 20).signal, 'abort');
    collectGarbage();
    await ended;
  });

  it('is up when the other signal is aborted, before or later', () => {
    const other = new AbortController();
    const { signal, release } = limitTime(other.signal, 60_000);
    assert.equal(signal.aborted, false);
    other.abort();
    assert.equal(signal.aborted, true);
    release();
    const late = limitTime(other.signal, 60_000);
    assert.equal(late.signal.aborted, true);
    late.release();
  });

  it('is never up once it is released', () => {
    const other = new AbortController();
    const { signal, release } = limitTime(other.signal, 60_000);
    release();
    other.abort();
    assert.equal(signal.aborted, false);
  });
});
