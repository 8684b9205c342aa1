import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { patiently } from '../../src/stages/patiently.js';

const full = Object.assign(new Error('write'), { code: 'ENOSPC' });
const policy = {
  isShort: (answer: string) => answer === 'short',
  failed: ({ code }: { code: string }) => code,
  stop: new AbortController().signal,
  pauseMs: 1,
};

describe('a stage on a machine that is short of something', () => {
  it('is done again until there is enough', async () => {
    const answers = [() => 'short', () => Promise.reject(full), () => 'done'];
    assert.equal(await patiently(async () => answers.shift()?.() ?? 'too often', policy), 'done');
    assert.equal(answers.length, 0);
  });

  it('is left alone for most of the time by work that takes long, as where git reads a large file', async () => {
    let tries = 0;
    const work = async () => {
      tries += 1;
      await delay(20);
      return 'short';
    };
    assert.equal(await patiently(work, { ...policy, patienceMs: 500 }), 'short');
    assert.ok(tries < 6, `${tries} tries`);
  });

  it('is done again ever more rarely, and tells of each wait', async () => {
    let waits = 0;
    const work = async () => 'short';
    const tell = (answer: string) => {
      assert.equal(answer, 'short');
      waits += 1;
    };
    assert.equal(await patiently(work, { ...policy, waits: tell, patienceMs: 1_000 }), 'short');
    assert.ok(waits > 1 && waits < 120, `${waits} waits`);
  });

  it('fails with the shortage as its cause when its patience is over, or its job is to end', async () => {
    const work = () => Promise.reject(full);
    assert.equal(await patiently(work, { ...policy, patienceMs: 5 }), 'disk_full');
    assert.equal(await patiently(work, { ...policy, stop: AbortSignal.abort() }), 'disk_full');
  });

  it('lets a bug through', async () => {
    await assert.rejects(
      patiently(() => Promise.reject(new TypeError('a bug')), policy),
      /a bug/,
    );
  });
});
