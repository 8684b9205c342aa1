import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { inTurn } from '../src/turnstile.js';

const MANY = Array.from({ length: 100 }, (_, index) => index);

describe('the turnstile', () => {
  it('lets what comes alone begin at once', () => {
    let begun = false;
    inTurn(() => {
      begun = true;
    });
    assert.ok(begun);
  });

  it('lets many begin in the order in which they came, and none before those', async () => {
    const begun: number[] = [];
    for (const index of MANY) inTurn(() => begun.push(index));
    await new Promise<void>((resolve) => inTurn(resolve));
    assert.deepEqual(begun, MANY);
  });

  it('lets what comes while some wait begin after them', async () => {
    const begun: number[] = [];
    await new Promise<void>((resolve) => {
      for (const index of MANY) {
        inTurn(() => {
          begun.push(index);
          if (index === MANY.length / 2) inTurn(resolve);
        });
      }
    });
    assert.deepEqual(begun, MANY);
  });

  it('lets the loop hear of what was done for the first before the last begin', async () => {
    const { port1: done, port2: thread } = new MessageChannel();
    let begun = 0;
    const heard = new Promise<number>((resolve) => done.once('message', () => resolve(begun)));
    for (const index of MANY) {
      inTurn(() => {
        begun += 1;
        if (index === 0) thread.postMessage('done');
      });
    }
    assert.ok((await heard) < MANY.length);
    done.close();
  });
});
